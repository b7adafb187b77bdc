#pragma once
#include "ui/commands.h"
#include "ui/control_values.h"
#include "ui/gate_presets.h"
#include "ui/gating/gate_trial.h"
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QElapsedTimer>
#include <QWidget>
#include <array>
#include <memory>

class QAction;
class QToolButton;

namespace moescope::ui {

class ComboButton;
class CostModel;
class GatingModel;
class GatingView;
class PlotWidget;

/// How much weight gating may drop and does drop, where its threshold stands (a line to drag), how sensitive the layers are and
/// what dropping costs. While a session is live a drag or a preset is the setting; in a replay it says what would have been.
/// Owned by the main window; GUI thread.
class GatingPanel : public QWidget {
    Q_OBJECT
public:
    GatingPanel(SessionFeed& feed, Selection& selection, Commands& commands, const Theme& theme, QWidget* parent = nullptr);
    ~GatingPanel() override;

    PlotWidget& plot() const { return *m_plot; }
    const GatingModel& model() const { return *m_model; }
    const CostModel& costModel() const { return *m_costs; }
    GatingView& view() const { return *m_view; }
    QString caption() const { return m_caption; }
    /// -1: all layers.
    int layer() const;
    void setLayer(int layer);
    int page() const;
    void setPage(int page);
    /// Works out what the preset sets and sets it, or tries it in a replay. What it wants to say goes to message().
    void choosePreset(GatePreset preset);
    QAction* presetAction(GatePreset preset) const;
    QAction* ownThresholdAction() const { return m_own; }
    /// Why the last preset could not be had; empty otherwise.
    QString message() const { return m_message; }
    /// Pixel of the threshold line, for tests and assistive tools; below 0 when there is none.
    QPointF thresholdHandle() const;
    QSize sizeHint() const override { return {270, 290}; }

Q_SIGNALS:
    void captionChanged(const QString& caption);

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void buildHeader();
    void buildPresets();
    void connectGestures();
    void refit();
    void refresh();
    void refreshHistogram(const analysis::Snapshot& snapshot, const analysis::TokenRange& tokens);
    void refreshCosts(const analysis::Snapshot& snapshot);
    void updateMarks();
    void updateLine();
    void updateCaption();
    QString gateWords() const;
    void answerPreset(GatePreset preset, const PresetAnswer& answer);
    void checkPresets(const ControlValues& inForce);

    // What the hand does; in gating_hand.cpp.
    void tryThreshold(double threshold);
    void dragTo(double share);
    void endDrag();
    void step(int dx, int dy);
    void send(const ControlValues& values);
    void sendTrial();
    void setOwnThreshold(bool own);
    void hover(const QPointF& at);
    QString readoutAt(const QPointF& at) const;
    QString layerReadout(int layer) const;
    void click(const QPointF& at);

    const GateRule& shownRule() const;
    double shownThreshold() const;
    const policy::LayerOverrides& shownOverrides() const;
    analysis::TokenRange range(const analysis::Snapshot& snapshot) const;

    SessionFeed& m_feed;
    Selection& m_selection;
    Commands& m_commands;
    PlotWidget* m_plot = nullptr;
    GatingModel* m_model = nullptr;
    CostModel* m_costs = nullptr;
    ComboButton* m_layer = nullptr;
    ComboButton* m_page = nullptr;
    QToolButton* m_presets = nullptr;
    QList<QAction*> m_presetActions;
    QAction* m_own = nullptr;
    std::unique_ptr<GatingView> m_view;
    GateTrial m_trial;
    GateEstimate m_expected;                               ///< of the trial
    std::array<ControlValues, kGatePresets> m_found;       ///< what each preset set last, in this session
    std::shared_ptr<const policy::Sensitivities> m_costed; ///< whose costs are drawn, and for which gate
    QString m_costedGate;
    QString m_caption;
    QString m_message;
    QString m_file;
    QElapsedTimer m_sent;
    int m_asked = 0; ///< presets asked for: a late answer to an earlier one is dropped
};

} // namespace moescope::ui

#pragma once
#include "ui/commands.h"
#include "ui/control_values.h"
#include "ui/gate_estimate.h"
#include "ui/gate_rule.h"
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QUndoStack>
#include <QWidget>

class QCheckBox;
class QComboBox;
class QDoubleSpinBox;
class QLabel;
class QLineEdit;
class QPushButton;
class QSpinBox;
class QHBoxLayout;
class QVBoxLayout;

namespace moescope::ui {

class EngineOptions;
class SettingSender;
class SettingSlider;

/// The knobs: each shows what is in force at the cursor, what it costs, and why it cannot act if it cannot. Changes act on the
/// next token of the live run; a replay is read-only. Owned by the main window; GUI thread.
class ControlsPanel : public QWidget {
    Q_OBJECT
public:
    ControlsPanel(SessionFeed& feed, Selection& selection, Commands& commands, const Theme& theme, QWidget* parent = nullptr);
    ~ControlsPanel() override;

    /// Whether an engine listens, and the session it writes.
    void setEngine(bool ready, const QString& liveSession);
    QUndoStack& undoStack() { return m_undo; }
    const ControlValues& shown() const { return m_shown; }
    QSize sizeHint() const override { return {280, 380}; }

public Q_SLOTS:
    void reset();
    void copyCommandLine() const;

Q_SIGNALS:
    void captionChanged(const QString& caption);
    /// An option that an engine must be started with; words say what would be different.
    void restartWanted(const QString& name, const QString& value, const QString& words);

private:
    QWidget* makeActions();
    QWidget* makePresets();
    void build();
    QComboBox* makeChoice(const QString& setting, const QStringList& values, const QString& tip);
    QHBoxLayout* makeRow(QVBoxLayout& column);
    QLabel* addNamed(QHBoxLayout& row, const QString& name, QWidget* control);
    void makeGate(QVBoxLayout& column);
    void makeGateDetails(QVBoxLayout& column);
    void makeCache(QVBoxLayout& column);
    void makeWeights(QVBoxLayout& column);
    void makePrefetch(QVBoxLayout& column);
    void makePrefetchDetails(QVBoxLayout& column);
    void makeLink(QVBoxLayout& column);

    void refresh();
    void refreshSliders();
    void refreshPrices();
    void refreshBlocks();
    void refreshGate();
    void refreshGatePrice();
    void refreshGateBlocks(bool can);
    void refreshWeights();
    void refreshPrefetch();
    void refreshPrefetchBlocks(bool can);
    void readModel();
    void offerGates();
    void choosePreset(const ControlPreset& preset);
    void adopt(const QString& name, const QString& value);
    QString blockedReason() const;
    void change(const QString& text, const ControlValues& values, int group = -1);
    void changeOne(const QString& name, const QString& value, bool settled);
    void apply(const ControlValues& values);

    SessionFeed& m_feed;
    Commands& m_commands;
    const Theme& m_theme;
    SettingSender* m_sender = nullptr;
    QUndoStack m_undo;
    ControlValues m_shown; ///< what the controls show: wanted where not confirmed yet, else in force
    QString m_liveSession;
    bool m_ready = false;
    int m_group = 0; ///< changes of one drag are one undo step
    QString m_file;
    bool m_live = false; ///< what is shown can be changed
    GateRule m_rule;     ///< of the gate that is shown
    std::shared_ptr<const session::SessionInfo> m_info;
    std::shared_ptr<const policy::Sensitivities> m_known; ///< of the session's model; null: nothing known
    std::optional<policy::DecisionTrace> m_decisions;     ///< the session's newest, to try gates on
    std::size_t m_decided = 0;                            ///< choices that m_decisions was read from
    bool m_adopting = false;                              ///< another panel's change is being taken over
    qint64 m_adoptedMs = 0;
    int m_adopted = 0; ///< drags and presets of other panels so far

    QLabel* m_reason = nullptr;
    SettingSlider* m_threshold = nullptr;
    SettingSlider* m_slots = nullptr;
    SettingSlider* m_budget = nullptr;
    SettingSlider* m_link = nullptr;
    EngineOptions* m_engineOptions = nullptr;
    QMap<QString, QComboBox*> m_choices;
    QSpinBox* m_depth = nullptr;
    QSpinBox* m_spare = nullptr;
    QCheckBox* m_auto = nullptr;
    QMap<QString, QCheckBox*> m_switches; ///< by setting: "on" or "off"
    double m_lastBudget = 1;              ///< megabytes to come back to from "auto"
    QLineEdit* m_layers = nullptr;
    QWidget* m_weightRow = nullptr;
    QList<QDoubleSpinBox*> m_weights; ///< recency, frequency, nearness of the layer's turn
    QList<QPushButton*> m_presets;
    QPushButton* m_undoButton = nullptr;
    QPushButton* m_redoButton = nullptr;
    QPushButton* m_resetButton = nullptr;
};

} // namespace moescope::ui

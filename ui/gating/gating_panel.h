#pragma once
#include "profiler/analysis/range_figures.h"
#include "ui/commands.h"
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QElapsedTimer>
#include <QWidget>
#include <memory>

class QToolButton;

namespace moescope::ui {

class ComboButton;
class GatingModel;
class GatingView;
class PlotWidget;

/// How much weight gating may drop and does drop, and where its threshold stands: a line to drag. While a session is live the
/// drag is the setting; in a replay it only says what would have been. Owned by the main window; GUI thread.
class GatingPanel : public QWidget {
    Q_OBJECT
public:
    GatingPanel(SessionFeed& feed, Selection& selection, Commands& commands, const Theme& theme, QWidget* parent = nullptr);
    ~GatingPanel() override;

    PlotWidget& plot() const { return *m_plot; }
    const GatingModel& model() const { return *m_model; }
    QString caption() const { return m_caption; }
    /// -1: all layers.
    int layer() const;
    void setLayer(int layer);
    /// Pixel of the threshold line, for tests and assistive tools; below 0 when there is none.
    QPointF thresholdHandle() const;
    QSize sizeHint() const override { return {270, 290}; }

Q_SIGNALS:
    void captionChanged(const QString& caption);

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void buildHeader();
    void connectGestures();
    void refresh();
    void updateLine();
    void updateCaption();
    void dragTo(double share);
    void endDrag();
    void send(double threshold);
    void hover(const QPointF& at);
    double sensitivity() const;
    double shownThreshold() const;
    analysis::TokenRange range(const analysis::Snapshot& snapshot) const;

    SessionFeed& m_feed;
    Selection& m_selection;
    Commands& m_commands;
    PlotWidget* m_plot = nullptr;
    GatingModel* m_model = nullptr;
    ComboButton* m_layer = nullptr;
    QToolButton* m_adaptive = nullptr;
    std::unique_ptr<GatingView> m_view;
    QString m_caption;
    QString m_file;
    std::optional<double> m_dragged; ///< threshold under the user's hand, or asked for and not yet in force
    QElapsedTimer m_sent;
};

} // namespace moescope::ui

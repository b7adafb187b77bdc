#pragma once
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/theme.h"
#include "ui/timeline/timeline_geometry.h"

#include <QElapsedTimer>
#include <QWidget>
#include <memory>

class QLabel;
class QLineEdit;

namespace moescope::ui {

class PlotWidget;
class TimelineModel;
class TimelineView;

/// When everything happened: tokens, layers, stages, copies and stalls over time, with the link's throughput. Owned by the main
/// window; GUI thread.
class TimelinePanel : public QWidget {
    Q_OBJECT
public:
    TimelinePanel(SessionFeed& feed, Selection& selection, const Theme& theme, QWidget* parent = nullptr);
    ~TimelinePanel() override;

    PlotWidget& plot() const { return *m_plot; }
    const TimelineModel& model() const { return *m_model; }
    QString caption() const { return m_caption; }
    TimeSpan view() const;
    /// Shows a span of time; ends following.
    void setView(const TimeSpan& view);
    /// Bars that the feed read (or a test made).
    void showWindow(const TimelineWindowPtr& window);
    /// Jumps to the next match of what the search box holds.
    void findNext(bool backwards = false);
    QLineEdit& searchBox() const { return *m_search; }
    QSize sizeHint() const override { return {780, 320}; }

Q_SIGNALS:
    void captionChanged(const QString& caption);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    struct Spot {
        int lane = -1; ///< index in the scene's lanes
        const session::LaneBar* bar = nullptr;
        trace::TimeNs time = 0;
    };

    void buildHeader();
    void openSearch();
    void connectGestures();
    void connectFeed();
    void refresh();
    void follow(const analysis::Snapshot& snapshot);
    void viewMoved();
    void requestBars();
    void showWhole();
    void updateLimits(const analysis::Snapshot& snapshot);
    void updateCaption();
    void updateFocus();
    Spot spotAt(const QPointF& at) const;
    void hover(const QPointF& at);
    void click(const QPointF& at);
    void eventArrived(qint64 seq, const trace::Event& event);
    /// The event behind a bar of a copy or stall lane, once it was read.
    const trace::Event* eventOf(const Spot& spot) const;
    Selection::Target targetOf(const Spot& spot) const;
    QString linkReadout(trace::TimeNs time) const;
    bool pointerHolds() const;

    SessionFeed& m_feed;
    Selection& m_selection;
    PlotWidget* m_plot = nullptr;
    TimelineModel* m_model = nullptr;
    QLineEdit* m_search = nullptr;
    QLabel* m_found = nullptr;
    std::unique_ptr<TimelineView> m_view;
    QString m_caption;
    QString m_file;
    QString m_lanesOf; ///< the file whose lanes are shown
    TimeSpan m_asked;
    trace::TimeNs m_askedEnd = 0; ///< session end when bars were last asked for
    trace::TimeNs m_followWidth = 2'000'000'000;
    std::optional<std::pair<qint64, trace::Event>> m_event; ///< of the bar that was pointed at last
    qint64 m_eventAsked = -1;
    QPointF m_pointer;
    QElapsedTimer m_tabled;
    QElapsedTimer m_pointed;
    bool m_userView = false; ///< the user zoomed or panned: no following until reset
};

} // namespace moescope::ui

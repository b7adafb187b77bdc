#pragma once
#include "profiler/analysis/snapshot.h"
#include "ui/session_feed.h"
#include "ui/timeline/timeline_geometry.h"

#include <QAbstractTableModel>
#include <optional>

namespace moescope::ui {

QString laneName(session::Lane lane);
/// What a bar's colour means: "demand", "prefetch, used", "attention", "layer 3".
QString barMeaning(session::Lane lane, std::int32_t colourKey);

/// Whether the lane's bars are readings of a counter, whose busy time is a share and not a sum of spans.
bool counted(session::Lane lane);

/// The lanes to draw, top to bottom: what the engine says, then what the device's tracer saw, as far as the window has any
/// or had some before.
std::vector<session::Lane> shownLanes(const TimelineWindow& window, const std::vector<session::Lane>& before);

/// Everything about a bar as rich text; event: what is behind it, if that is known.
QString barReadout(const analysis::Snapshot& snapshot, session::Lane lane, const session::LaneBar& bar,
                   const trace::Event* event);

/// A moment with words: a setting that changed, a note that the run made about itself ("prefetch switched itself down"), a
/// failure.
struct TimelineMarker {
    enum class Kind { Setting, Note, Failure } kind = Kind::Note;
    trace::TimeNs at = 0;
    QString words;
};
/// Of the whole session up to the cursor, by time.
std::vector<TimelineMarker> timelineMarkers(const analysis::Snapshot& snapshot);
QString markerKind(TimelineMarker::Kind kind);

/// What the search box looks for: "3.7" or "L3 E7" an expert, "layer 3", a cause ("demand", "prefetch", "stall"), "note" a
/// marker, else text of tokens and markers.
struct TimelineSearch {
    enum class Kind { None, Text, Layer, Expert, Demand, Prefetch, Stall, Note } kind = Kind::None;
    QString text;
    int layer = -1;
    int expert = -1;
};
TimelineSearch parseSearch(const QString& words);
/// Index of the next pass after `from` (before it when backwards) that matches, going round once; -1 if none does.
int findPass(const analysis::Snapshot& snapshot, const TimelineSearch& search, int from, bool backwards);
/// How many passes match.
int countMatches(const analysis::Snapshot& snapshot, const TimelineSearch& search);

/// Figures of a time range, for the caption.
struct RangeFigures {
    int tokens = 0;
    std::int64_t bytes = 0;
    int stalls = -1; ///< -1: the window's bars do not cover the range
};
RangeFigures rangeFigures(const analysis::Snapshot& snapshot, const TimelineWindow& window, const TimeSpan& range);

/// The table twin of the timeline: the bars of the present view, lane by lane, then its markers. Owned by TimelinePanel; GUI
/// thread.
class TimelineModel : public QAbstractTableModel {
    Q_OBJECT
public:
    using QAbstractTableModel::QAbstractTableModel;
    /// markers: those in the window are shown.
    void setWindow(TimelineWindowPtr window, const std::vector<TimelineMarker>& markers = {});

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    std::pair<session::Lane, const session::LaneBar*> barOf(int row) const;
    int bars() const { return m_ends.empty() ? 0 : m_ends.back(); }
    QVariant markerFigure(const TimelineMarker& marker, int column, bool raw) const;
    TimelineWindowPtr m_window;
    std::vector<int> m_ends; ///< rows up to and including each lane
    std::vector<TimelineMarker> m_markers;
};

} // namespace moescope::ui

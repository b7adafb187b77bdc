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

/// Everything about a bar as rich text; event: what is behind it, if that is known.
QString barReadout(const analysis::Snapshot& snapshot, session::Lane lane, const session::LaneBar& bar,
                   const trace::Event* event);

/// What the search box looks for: "3.7" or "L3 E7" an expert, "layer 3", a cause ("demand", "prefetch", "stall"), else text.
struct TimelineSearch {
    enum class Kind { None, Text, Layer, Expert, Demand, Prefetch, Stall } kind = Kind::None;
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

/// The table twin of the timeline: the bars of the present view, lane by lane. Owned by TimelinePanel; GUI thread.
class TimelineModel : public QAbstractTableModel {
    Q_OBJECT
public:
    using QAbstractTableModel::QAbstractTableModel;
    void setWindow(TimelineWindowPtr window);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    std::pair<session::Lane, const session::LaneBar*> barOf(int row) const;
    TimelineWindowPtr m_window;
    std::vector<int> m_ends; ///< rows up to and including each lane
};

} // namespace moescope::ui

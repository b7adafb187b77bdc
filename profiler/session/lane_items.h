#pragma once
#include "profiler/session/batch.h"
#include "profiler/session/session_reader.h"

#include <span>
#include <string_view>

namespace moescope::session {

/// What a bar of a copy lane means. On disk.
enum class CopyColour : std::int32_t {
    Demand = 0,
    PrefetchUsed = 1,
    PrefetchWasted = 2,
    PrefetchUndecided = 3,
    Allocation = 4,
    Unattributed = 5,
    Cancelled = 6
};

/// What a bar of a lane of device copies means. On disk.
enum class DeviceCopyColour : std::int32_t { Expert = 0, InPass = 1, OutsidePass = 2 };

/// One bar of one lane, as a single event (or the pair of events that makes a layer) gives it.
struct LaneItem {
    Lane lane = Lane::Tokens;
    trace::TimeNs begin = 0;
    trace::TimeNs end = 0;
    std::int32_t colourKey = 0;
    std::int64_t bytes = 0;
    std::int64_t seq = 0;       ///< of the event that completes it
    std::int64_t firstSeq = 0;  ///< of the first event it is made of
    std::int32_t transfer = -1; ///< copies only
    trace::TimeNs busyNs = -1;  ///< of the bar's time; -1: all of it
    trace::TimeNs busy() const { return busyNs < 0 ? end - begin : busyNs; }
};

inline constexpr std::size_t kLanes = 16;

/// Events in, bars out: the one place that says which event belongs to which lane. Feed it events by seq. Used by the writer,
/// which makes level-of-detail rows of the bars, and by the reader for what is not yet in such rows. A copy by prefetch
/// comes out as PrefetchUndecided; who knows better recolours it.
class LaneItems {
public:
    /// The bars that the event completes, valid until the next call.
    std::span<const LaneItem> add(const Record& record);

private:
    void addStage(const trace::StageSpan& span, std::int64_t seq);
    void put(const LaneItem& item) { m_items[m_count++] = item; }

    void addCounters(const trace::CounterSample& sample, std::int64_t seq);

    LaneItem m_items[5];
    std::size_t m_count = 0;
    trace::Layer m_openLayer; // its Attention was seen, its Experts not yet
    trace::TimeNs m_openBegin = 0;
    std::int64_t m_openSeq = 0;
};

/// Where a lane's bars are read from: a table, by Event::index(), and what of it.
struct LaneSource {
    std::size_t kind = 0;
    std::string_view where; ///< SQL
};
LaneSource sourceOf(Lane lane);

} // namespace moescope::session

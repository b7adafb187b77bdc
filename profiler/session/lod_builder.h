#pragma once
#include "profiler/session/lane_items.h"

#include <array>
#include <unordered_map>
#include <vector>

namespace moescope::session {

/// One row of lod_bar: a run of kLodFanOut bars of a lane, or of kLodFanOut rows of the level below.
struct LodRow {
    std::int64_t id = 0;
    trace::TimeNs begin = 0;
    trace::TimeNs end = 0;
    trace::TimeNs busyNs = 0;
    trace::TimeNs longestNs = 0; ///< of one bar
    std::int64_t count = 0;
    std::int32_t colourKey = 0; ///< of the longest member
    std::int64_t bytes = 0;
    std::int64_t seq = 0; ///< of the longest member
    std::int64_t firstSeq = 0;
    std::int64_t lastSeq = 0;
    friend bool operator==(const LodRow&, const LodRow&) = default;
};

inline constexpr int kLodFanOut = 16;
inline constexpr int kLodLevels = 10; ///< 16^10 bars per lane

/// Row `bucket` (from 0) of `level` (from 1; 0 for the lane of tokens, whose bars lie too far apart among the events) holds the
/// lane's bars [bucket * 16^level, (bucket+1) * 16^level) in the order of their seq. On disk.
constexpr std::int64_t lodId(Lane lane, int level, std::int64_t bucket) {
    return (static_cast<std::int64_t>(lane) << 44) | (static_cast<std::int64_t>(level) << 40) | bucket;
}

/// A running pyramid per lane: every bar is merged upwards once, full rows come out. Pure. Owned by OverviewBuilder.
class LodBuilder {
public:
    void add(const Record& record);
    /// Puts out the unfinished rows of the lowest level too, to be replaced when they are full: what has no row yet is then
    /// never older than this call.
    void flushPartials();
    /// Rows made or changed since clearRows(), in order; a later one replaces an earlier one of the same id.
    const std::vector<LodRow>& rows() const { return m_rows; }
    void clearRows() { m_rows.clear(); }

private:
    struct Node {
        LodRow row;
        std::int32_t transfer = -1; // of the longest member
        int children = 0;
        std::int64_t bucket = 0;
        bool changed = false; // since it was last put out
    };

    void addItem(LaneItem item);
    void merge(Node& into, const Node& child);
    void putOut(Lane lane, int level, Node& node);
    void resolve(const trace::PrefetchResolved& resolved);

    LaneItems m_items;
    std::array<std::array<Node, kLodLevels>, kLanes> m_nodes;
    std::vector<LodRow> m_rows;
    // Prefetches whose fate is open, with the rows that show their colour: at most as many as the cache has slots.
    std::unordered_map<std::int32_t, std::vector<LodRow>> m_open;
    // Fates told before the transfer's span was.
    std::unordered_map<std::int32_t, CopyColour> m_early;
};

} // namespace moescope::session

#pragma once
#include "engine/trace/ids.h"

#include <cstdint>
#include <span>
#include <vector>

namespace moescope::analysis {

/// How full one pool of slots is under the optimal plan, over the gaps between its steps. Keeps, for every gap p, the largest
/// "occupied minus capacity" from p up to now; as that falls with p it is a staircase of at most capacity + 1 steps.
/// Used by OfflineOptimum only.
class PoolOccupancy {
public:
    /// Adds the gap after the newest step, with the slots in force. Returns its number.
    std::int64_t appendGap(int slots);
    /// True if one more expert fits in every gap from `first` (>= 0) up to now.
    bool fits(std::int64_t first) const;
    /// Keeps one more expert in all of them.
    void keep(std::int64_t first);

private:
    struct Step {
        std::int64_t start = 0;
        int excess = 0; ///< occupied - capacity
    };
    std::size_t stepOf(std::int64_t gap) const;
    std::vector<Step> m_steps;
    std::int64_t m_gaps = 0;
};

/// The best hit rate that any eviction rule could have had on the accesses so far, with the same slots and without prefetch:
/// Belady's MIN (IBM Systems Journal 5(2), 1966) with bypass. Works online: an access hits under MIN exactly if its expert can
/// be kept since its last use without crowding out a reuse that ends earlier (the OPTgen argument, Jain and Lin, ISCA 2016).
/// The accesses of one step (a pass at one layer) are one group: they look at what was there before the step. Slots may change
/// at any time; the result is exact except for reuses across a change between a global pool and slots per layer.
/// Owned by a reducer; one thread. O(slots) per access at worst.
class OfflineOptimum {
public:
    OfflineOptimum() = default;
    OfflineOptimum(int layers, int experts);

    /// Slots of a layer, or of one global pool with an invalid layer. Until the first call every expert fits.
    void setSlots(trace::Layer layer, int slots);
    /// The expert was brought in without having been asked for by the router (filling the cache).
    void load(trace::ExpertKey key);
    void access(trace::ExpertKey key);
    /// The step is over: further accesses see what it left.
    void endGroup();

    bool known() const { return m_known; } ///< the slots were said
    std::int64_t hits(int layer) const { return m_counts[static_cast<std::size_t>(layer)].hits; }
    std::int64_t accesses(int layer) const { return m_counts[static_cast<std::size_t>(layer)].accesses; }

private:
    /// Time with the same kind of pools. Gaps are numbered per pool.
    struct Era {
        bool global = false;
        std::vector<PoolOccupancy> pools;
        std::vector<int> slots;
    };
    struct LastUse {
        std::int32_t era = -1;
        std::int64_t gap = 0;
    };
    struct Counts {
        std::int64_t hits = 0;
        std::int64_t accesses = 0;
    };
    void beginEra(bool global);
    std::size_t poolOf(const Era& era, int layer) const { return era.global ? 0 : static_cast<std::size_t>(layer); }
    std::size_t indexOf(trace::ExpertKey key) const;
    bool keptSince(const LastUse& use, int layer);

    int m_layers = 0;
    int m_experts = 0;
    bool m_known = false;
    std::vector<Era> m_eras;
    std::vector<LastUse> m_last;           ///< [layer*experts + expert]
    std::vector<Counts> m_counts;          ///< [layers]
    std::vector<trace::ExpertKey> m_group; ///< the open step's accesses
};

} // namespace moescope::analysis

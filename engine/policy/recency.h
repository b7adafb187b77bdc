#pragma once
#include "engine/policy/key_table.h"

#include <cstdint>

namespace moescope::policy {

/// When each expert was last wanted, as a count of uses. An expert that gets its slot because it was asked for keeps the time
/// of that asking; one that was prefetched counts as wanted when it arrives. So a demand-only run is a textbook LRU on the
/// sequence of askings, whenever the copies finish. Part of a cache policy; one thread.
class Recency {
public:
    void touched(trace::ExpertKey key) { m_uses.at(key) = {++m_now, true}; }
    void admitted(trace::ExpertKey key) {
        Use& use = m_uses.at(key);
        if (!use.asked)
            use.time = ++m_now;
        use.asked = false;
    }
    void evicted(trace::ExpertKey key) { m_uses.at(key).asked = false; }
    /// Larger is more recent; 0 = never.
    std::uint64_t of(trace::ExpertKey key) { return m_uses.at(key).time; }

private:
    struct Use {
        std::uint64_t time = 0;
        bool asked = false; ///< since it was last admitted or evicted
    };
    KeyTable<Use> m_uses;
    std::uint64_t m_now = 0;
};

} // namespace moescope::policy

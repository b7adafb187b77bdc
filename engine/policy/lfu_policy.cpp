#include "engine/policy/lfu_policy.h"

#include "engine/policy/lowest_ranked.h"

namespace moescope::policy {

void LfuPolicy::beginSequence() {
    m_counts.forEach([](std::uint64_t& count) { count = 0; });
}

void LfuPolicy::touched(trace::ExpertKey key, float) {
    ++m_counts.at(key);
    m_recency.touched(key);
}

void LfuPolicy::admitted(trace::ExpertKey key) {
    m_recency.admitted(key);
}

std::size_t LfuPolicy::victim(std::span<const trace::ExpertKey> candidates) {
    const std::size_t worst = lowestRanked(
        candidates, [this](trace::ExpertKey key) { return m_counts.at(key); }, m_recency);
    m_recency.evicted(candidates[worst]);
    return worst;
}

} // namespace moescope::policy

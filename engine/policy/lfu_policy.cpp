#include "engine/policy/lfu_policy.h"

#include <tuple>

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
    const auto rank = [this](trace::ExpertKey key) { return std::tuple(m_counts.at(key), m_recency.of(key), key); };
    std::size_t worst = 0;
    for (std::size_t i = 1; i < candidates.size(); ++i)
        if (rank(candidates[i]) < rank(candidates[worst]))
            worst = i;
    m_recency.evicted(candidates[worst]);
    return worst;
}

} // namespace moescope::policy

#include "engine/policy/lru_policy.h"

#include <utility>

namespace moescope::policy {

void LruPolicy::touched(trace::ExpertKey key, float) {
    m_recency.touched(key);
}

void LruPolicy::admitted(trace::ExpertKey key) {
    m_recency.admitted(key);
}

std::size_t LruPolicy::victim(std::span<const trace::ExpertKey> candidates) {
    std::size_t worst = 0;
    std::pair oldest(m_recency.of(candidates[0]), candidates[0]);
    for (std::size_t i = 1; i < candidates.size(); ++i)
        if (const std::pair other(m_recency.of(candidates[i]), candidates[i]); other < oldest) {
            oldest = other;
            worst = i;
        }
    m_recency.evicted(candidates[worst]);
    return worst;
}

} // namespace moescope::policy

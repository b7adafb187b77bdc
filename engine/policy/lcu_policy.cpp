#include "engine/policy/lcu_policy.h"

#include "engine/policy/lowest_ranked.h"

namespace moescope::policy {

void LcuPolicy::touched(trace::ExpertKey key, float) {
    m_log.touched(key);
    m_recency.touched(key);
}

void LcuPolicy::admitted(trace::ExpertKey key) {
    m_log.noteLayer(key);
    m_recency.admitted(key);
}

double LcuPolicy::priority(trace::ExpertKey key) {
    const double often = static_cast<double>(m_log.of(key).count) / static_cast<double>(m_log.step());
    return m_log.usedLast(key) ? often + 1 / (m_log.distance(key) + 0.1) : often;
}

std::size_t LcuPolicy::victim(std::span<const trace::ExpertKey> candidates) {
    for (const trace::ExpertKey key : candidates)
        m_log.noteLayer(key);
    const std::size_t worst = lowestRanked(
        candidates, [this](trace::ExpertKey key) { return priority(key); }, m_recency);
    m_recency.evicted(candidates[worst]);
    return worst;
}

} // namespace moescope::policy

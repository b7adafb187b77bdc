#include "engine/policy/weighted_policy.h"

#include "engine/policy/lowest_ranked.h"

#include <cmath>
#include <fmt/format.h>
#include <stdexcept>

namespace moescope::policy {

WeightedPolicy::WeightedPolicy(const CacheWeights& weights) : m_weights(weights) {
    const double sum = weights.lru + weights.lfu + weights.fld;
    if (!(weights.lru >= 0 && weights.lfu >= 0 && weights.fld >= 0) || !(sum > 0) || !std::isfinite(sum))
        throw std::invalid_argument(fmt::format("The cache weights must be 0 or more and not all 0, not {}, {} and {}.",
                                                weights.lru, weights.lfu, weights.fld));
    m_weights = {.lru = weights.lru / sum, .lfu = weights.lfu / sum, .fld = weights.fld / sum};
}

void WeightedPolicy::touched(trace::ExpertKey key, float) {
    m_log.touched(key);
    m_recency.touched(key);
}

void WeightedPolicy::admitted(trace::ExpertKey key) {
    m_log.noteLayer(key);
    m_recency.admitted(key);
}

double WeightedPolicy::priority(trace::ExpertKey key) {
    const StepLog::Use& use = m_log.of(key);
    const auto steps = static_cast<double>(m_log.step());
    const double near = 1 - static_cast<double>(m_log.distance(key)) / m_log.layers();
    return (m_weights.lru * static_cast<double>(use.lastStep) + m_weights.lfu * static_cast<double>(use.count)) / steps +
           m_weights.fld * near;
}

std::size_t WeightedPolicy::victim(std::span<const trace::ExpertKey> candidates) {
    for (const trace::ExpertKey key : candidates)
        m_log.noteLayer(key);
    const std::size_t worst = lowestRanked(
        candidates, [this](trace::ExpertKey key) { return priority(key); }, m_recency);
    m_recency.evicted(candidates[worst]);
    return worst;
}

} // namespace moescope::policy

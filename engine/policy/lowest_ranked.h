#pragma once
#include "engine/policy/recency.h"

#include <span>
#include <tuple>

namespace moescope::policy {

/// Index of the candidate of lowest priority; equal ones: the least recently wanted, then the lower key. One priority per
/// candidate is computed.
template <class Priority>
std::size_t lowestRanked(std::span<const trace::ExpertKey> candidates, Priority priority, Recency& recency) {
    const auto rank = [&](trace::ExpertKey key) { return std::tuple(priority(key), recency.of(key), key); };
    std::size_t worst = 0;
    auto lowest = rank(candidates[0]);
    for (std::size_t i = 1; i < candidates.size(); ++i)
        if (auto other = rank(candidates[i]); other < lowest) {
            lowest = other;
            worst = i;
        }
    return worst;
}

} // namespace moescope::policy

#pragma once
#include "engine/trace/event.h"

#include <span>

namespace moescope::app {

/// Time per decoded token of two answers that differ in one thing: whether the device was recorded.
struct OverheadPair {
    double offNs = 0;
    double onNs = 0;
};

struct OverheadShares {
    double median = 0; ///< of on / off - 1 over the pairs
    double low = 0;    ///< the median lies between these with 95 % confidence, whatever the pairs' distribution
    double high = 0;
};

/// Of at least six pairs, by order statistics; with fewer the extremes, whose confidence is less.
OverheadShares overheadShares(std::span<const OverheadPair> pairs);

/// Medians of both sides, quartiles of on / off - 1 over the pairs. Pairs without a time are left out; at, level and tokens are
/// the caller's.
trace::OverheadMeasured overheadOf(std::span<const OverheadPair> pairs);

} // namespace moescope::app

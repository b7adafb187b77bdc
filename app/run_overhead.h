#pragma once
#include "engine/trace/event.h"

#include <span>

namespace moescope::app {

/// Time per decoded token of two answers that differ in one thing: whether the device was recorded.
struct OverheadPair {
    double offNs = 0;
    double onNs = 0;
};

/// Medians of both sides, quartiles of on / off - 1 over the pairs. Pairs without a time are left out; at, level and tokens are
/// the caller's.
trace::OverheadMeasured overheadOf(std::span<const OverheadPair> pairs);

} // namespace moescope::app

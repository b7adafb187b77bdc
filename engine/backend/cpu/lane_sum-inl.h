// Included once per instruction set by Highway's foreach_target, hence no plain include guard.
#if defined(MOESCOPE_LANE_SUM_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef MOESCOPE_LANE_SUM_INL
#undef MOESCOPE_LANE_SUM_INL
#else
#define MOESCOPE_LANE_SUM_INL
#endif

#include <cmath>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace moescope::backend::HWY_NAMESPACE {

/// Width of the virtual vector in which sums are kept, whatever the machine's own width.
inline constexpr int kLaneCount = 16;

/// Pairwise, always in the same order.
inline float sumOfLanes(float* lanes) {
    for (int half = kLaneCount / 2; half > 0; half /= 2)
        for (int lane = 0; lane < half; ++lane)
            lanes[lane] += lanes[lane + half];
    return lanes[0];
}

} // namespace moescope::backend::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

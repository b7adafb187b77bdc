#pragma once
// Activations in two digits, as engine/backend/cpu/activations.h explains them. Called by whole warps, a block of 32 columns
// per warp, one column per lane.
#include "engine/backend/cuda/tile_call.h"

namespace moescope::backend::cuda {

inline constexpr unsigned kAllLanes = 0xFFFFFFFFU;
inline constexpr int kDigitBase = 255;
inline constexpr int kLargestDigits = 127 * kDigitBase + 127;

__device__ inline float maxOfLanes(float value) {
    for (int offset = 16; offset > 0; offset /= 2)
        value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, offset));
    return value;
}

template <class Number>
__device__ Number sumOfLanes(Number value) {
    for (int offset = 16; offset > 0; offset /= 2)
        value += __shfl_xor_sync(kAllLanes, value, offset);
    return value;
}

/// How a block of 32 values becomes integers, from the largest magnitude among them.
struct TwoDigits {
    __device__ explicit TwoDigits(float magnitude) {
        const bool empty = !(magnitude > 1e-30F);
        inverse = empty ? 0.0F : static_cast<float>(kLargestDigits) / magnitude;
        scale = empty ? 0.0F : magnitude / static_cast<float>(kLargestDigits);
    }
    __device__ int integer(float value) const {
        return max(-kLargestDigits, min(kLargestDigits, __float2int_rn(value * inverse)));
    }
    __device__ static void split(int integer, signed char& high, signed char& low) {
        const int digit = __float2int_rn(static_cast<float>(integer) * (1.0F / kDigitBase));
        high = static_cast<signed char>(digit);
        low = static_cast<signed char>(integer - kDigitBase * digit);
    }
    float inverse;
    float scale;
};

/// Where a column's high digit lies; its low digit lies out.columns further on.
__device__ inline signed char* digitsAt(const ActivationView& out, int row, int column) {
    constexpr int kHalf = kBlockColumns / 2;
    const int plane = column % kBlockColumns / kHalf;
    return out.digits + static_cast<std::size_t>(row) * 2 * out.columns + plane * (out.columns / 2) +
           column / kBlockColumns * kHalf + column % kHalf;
}

/// Stores the lane's value of (row, column) in both forms; column % 32 is the lane.
__device__ inline void storeActivation(const ActivationView& out, int row, int column, float value) {
    const int lane = column % kBlockColumns;
    const TwoDigits scale(maxOfLanes(fabsf(value)));
    const int integer = scale.integer(value);
    const int sum = sumOfLanes(integer);
    const std::size_t at = static_cast<std::size_t>(row) * out.columns + column;
    signed char* digits = digitsAt(out, row, column);
    out.values[at] = value;
    TwoDigits::split(integer, digits[0], digits[out.columns]);
    if (lane == 0)
        out.blocks[at / kBlockColumns] = {scale.scale, sum};
}

} // namespace moescope::backend::cuda

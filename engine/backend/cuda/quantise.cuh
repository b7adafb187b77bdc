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

/// Stores the lane's value of (row, column) in both forms; column % 32 is the lane.
__device__ inline void storeActivation(const ActivationView& out, int row, int column, float value) {
    const int lane = column % kBlockColumns;
    const float magnitude = maxOfLanes(fabsf(value));
    const bool empty = !(magnitude > 1e-30F);
    const float inverse = empty ? 0.0F : static_cast<float>(kLargestDigits) / magnitude;
    const int integer = max(-kLargestDigits, min(kLargestDigits, __float2int_rn(value * inverse)));
    const int high = __float2int_rn(static_cast<float>(integer) * (1.0F / kDigitBase));
    const int sum = sumOfLanes(integer);
    const std::size_t block = (static_cast<std::size_t>(row) * out.columns + column) / kBlockColumns;
    out.values[static_cast<std::size_t>(row) * out.columns + column] = value;
    out.digits[block * 2 * kBlockColumns + lane] = static_cast<std::int8_t>(high);
    out.digits[block * 2 * kBlockColumns + kBlockColumns + lane] = static_cast<std::int8_t>(integer - kDigitBase * high);
    if (lane == 0)
        out.blocks[block] = {empty ? 0.0F : magnitude / static_cast<float>(kLargestDigits), sum};
}

} // namespace moescope::backend::cuda

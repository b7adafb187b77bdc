#pragma once
// What kernels that normalise share. The sum of squares is that of kNormThreads threads, fewer for short rows, each of which
// takes four neighbouring columns at a time, whatever number of threads really computes it.
#include "engine/backend/cuda/kernels.h"
#include "engine/backend/cuda/quantise.cuh"

namespace moescope::backend::cuda {

inline constexpr int kNormThreads = 1024;
inline constexpr int kNormColumns = 4;

__host__ __device__ inline int normThreads(int columns) {
    const int wanted = (columns / kNormColumns + 31) / 32 * 32;
    return wanted < kNormThreads ? wanted : kNormThreads;
}

__device__ inline void set(const Mark& mark) {
    if (mark.word != nullptr)
        *static_cast<volatile std::uint32_t*>(mark.word) = *mark.number;
}

__device__ inline float addSquares(const float4& value, float sum) {
    return fmaf(value.w, value.w, fmaf(value.z, value.z, fmaf(value.y, value.y, fmaf(value.x, value.x, sum))));
}

__device__ inline float normFactor(float squares, int columns, float epsilon) {
    return 1.0F / sqrtf(squares / static_cast<float>(columns) + epsilon);
}

__device__ inline float4 normalised(const float4& hidden, float factor, const float* weights) {
    const auto weight = *reinterpret_cast<const float4*>(weights);
    return {hidden.x * factor * weight.x, hidden.y * factor * weight.y, hidden.z * factor * weight.z,
            hidden.w * factor * weight.w};
}

/// storeActivation() for four columns per lane. `real` is false for lanes beyond the row, by whole blocks of columns.
__device__ inline void storeFour(const ActivationView& out, int row, int column, const float4& value, bool real) {
    constexpr int kLanes = kBlockColumns / kNormColumns;
    float magnitude = fmaxf(fmaxf(fabsf(value.x), fabsf(value.y)), fmaxf(fabsf(value.z), fabsf(value.w)));
    for (int offset = kLanes / 2; offset > 0; offset /= 2)
        magnitude = fmaxf(magnitude, __shfl_xor_sync(kAllLanes, magnitude, offset));
    const TwoDigits scale(magnitude);
    const int integers[] = {scale.integer(value.x), scale.integer(value.y), scale.integer(value.z), scale.integer(value.w)};
    int sum = integers[0] + integers[1] + integers[2] + integers[3];
    for (int offset = kLanes / 2; offset > 0; offset /= 2)
        sum += __shfl_xor_sync(kAllLanes, sum, offset);
    if (!real)
        return;
    const std::size_t at = static_cast<std::size_t>(row) * out.columns + column;
    *reinterpret_cast<float4*>(out.values + at) = value;
    char4 high;
    char4 low;
    scale.split(integers[0], high.x, low.x);
    scale.split(integers[1], high.y, low.y);
    scale.split(integers[2], high.z, low.z);
    scale.split(integers[3], high.w, low.w);
    signed char* digits = digitsAt(out, row, column);
    *reinterpret_cast<char4*>(digits) = high;
    *reinterpret_cast<char4*>(digits + out.columns) = low;
    if (column % kBlockColumns == 0)
        out.blocks[at / kBlockColumns] = {scale.scale, sum};
}

} // namespace moescope::backend::cuda

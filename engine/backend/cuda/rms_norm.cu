#include "engine/backend/cuda/gpu_error.h"
#include "engine/backend/cuda/kernels.h"
#include "engine/backend/cuda/quantise.cuh"

#include <algorithm>

namespace moescope::backend::cuda {
namespace {

constexpr int kMostThreads = 1024;
constexpr int kColumns = 4; // that a thread takes together
constexpr int kBlockLanes = kBlockColumns / kColumns;

__device__ float4 hiddenAt(const NormCall& call, const ExpertSum<kFewWeights>& sum, int columns, std::size_t at, int column) {
    float4 value = *reinterpret_cast<const float4*>(call.hidden + at + column);
    for (int rank = 0; rank < sum.kept[0]; ++rank) {
        const auto* output = reinterpret_cast<const float4*>(sum.outputs + static_cast<std::size_t>(rank) * columns + column);
        value = {fmaf(sum.weights[rank], output->x, value.x), fmaf(sum.weights[rank], output->y, value.y),
                 fmaf(sum.weights[rank], output->z, value.z), fmaf(sum.weights[rank], output->w, value.w)};
    }
    if (sum.kept[0] > 0)
        *reinterpret_cast<float4*>(call.hidden + at + column) = value;
    return value;
}

/// storeActivation() for four columns per lane. `real` is false for lanes beyond the row, by whole blocks of columns.
__device__ void storeFour(const ActivationView& out, int row, int column, const float4& value, bool real) {
    float magnitude = fmaxf(fmaxf(fabsf(value.x), fabsf(value.y)), fmaxf(fabsf(value.z), fabsf(value.w)));
    for (int offset = kBlockLanes / 2; offset > 0; offset /= 2)
        magnitude = fmaxf(magnitude, __shfl_xor_sync(kAllLanes, magnitude, offset));
    const TwoDigits scale(magnitude);
    const int integers[] = {scale.integer(value.x), scale.integer(value.y), scale.integer(value.z), scale.integer(value.w)};
    int sum = integers[0] + integers[1] + integers[2] + integers[3];
    for (int offset = kBlockLanes / 2; offset > 0; offset /= 2)
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
    const std::size_t block = at / kBlockColumns;
    auto* digits = reinterpret_cast<char4*>(out.digits + block * 2 * kBlockColumns + column % kBlockColumns);
    digits[0] = high;
    digits[kBlockLanes] = low;
    if (column % kBlockColumns == 0)
        out.blocks[block] = {scale.scale, sum};
}

/// One block per row; a thread takes four neighbouring columns at a time.
__global__ void __launch_bounds__(kMostThreads)
    rmsNorm(NormCall call, const __grid_constant__ ExpertSum<kFewWeights> sum, ActivationView out) {
    __shared__ float partial[kMostThreads / 32];
    const int row = static_cast<int>(blockIdx.x);
    const int threads = static_cast<int>(blockDim.x);
    const int thread = static_cast<int>(threadIdx.x);
    const int lane = thread % 32;
    const auto at = static_cast<std::size_t>(row) * out.columns;
    float squares = 0;
    for (int column = thread * kColumns; column < out.columns; column += threads * kColumns) {
        const float4 value = hiddenAt(call, sum, out.columns, at, column);
        squares = fmaf(value.w, value.w, fmaf(value.z, value.z, fmaf(value.y, value.y, fmaf(value.x, value.x, squares))));
    }
    squares = sumOfLanes(squares);
    if (lane == 0)
        partial[thread / 32] = squares;
    __syncthreads();
    const float total = sumOfLanes(lane < threads / 32 ? partial[lane] : 0.0F);
    const float factor = 1.0F / sqrtf(total / static_cast<float>(out.columns) + call.epsilon);
    for (int first = 0; first < out.columns; first += threads * kColumns) {
        const int column = first + thread * kColumns;
        const bool real = column < out.columns;
        float4 value{};
        if (real) {
            const auto hidden = *reinterpret_cast<const float4*>(call.hidden + at + column);
            const auto weight = *reinterpret_cast<const float4*>(call.weight + column);
            value = {hidden.x * factor * weight.x, hidden.y * factor * weight.y, hidden.z * factor * weight.z,
                     hidden.w * factor * weight.w};
        }
        storeFour(out, row, column, value, real);
    }
}

} // namespace

void launchRmsNorm(const NormCall& call, int rows, const ExpertSum<kFewWeights>& sum, const ActivationView& out,
                   cudaStream_t stream) {
    const int threads = std::min(kMostThreads, (out.columns / kColumns + 31) / 32 * 32);
    rmsNorm<<<static_cast<unsigned>(rows), static_cast<unsigned>(threads), 0, stream>>>(call, sum, out);
    checkLaunch("rmsNorm");
}

} // namespace moescope::backend::cuda

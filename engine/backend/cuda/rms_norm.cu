#include "engine/backend/cuda/kernels.h"
#include "engine/backend/cuda/launch.cuh"
#include "engine/backend/cuda/norm.cuh"

#include <algorithm>

namespace moescope::backend::cuda {
namespace {

constexpr int kMostThreads = kNormThreads;
constexpr int kColumns = kNormColumns;

__device__ float4 hiddenAt(const NormCall& call, const ExpertSum<kFewWeights>& sum, int columns, std::size_t at, int column) {
    float4 value = *reinterpret_cast<const float4*>(call.hidden + at + column);
    for (int rank = 0; rank < sum.kept[0]; ++rank) {
        const float4 output = *reinterpret_cast<const float4*>(sum.outputs + static_cast<std::size_t>(rank) * columns + column);
        const float weight = sum.chosen == nullptr ? sum.weights[rank] : sum.chosen[rank];
        value = {fmaf(weight, output.x, value.x), fmaf(weight, output.y, value.y), fmaf(weight, output.z, value.z),
                 fmaf(weight, output.w, value.w)};
    }
    if (sum.kept[0] > 0)
        *reinterpret_cast<float4*>(call.hidden + at + column) = value;
    return value;
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
    letNextBegin();
    awaitEarlier();
    if (thread == 0 && row == 0)
        set(call.mark);
    float squares = 0;
    for (int column = thread * kColumns; column < out.columns; column += threads * kColumns) {
        const float4 value = hiddenAt(call, sum, out.columns, at, column);
        squares = addSquares(value, squares);
    }
    squares = sumOfLanes(squares);
    if (lane == 0)
        partial[thread / 32] = squares;
    __syncthreads();
    const float total = sumOfLanes(lane < threads / 32 ? partial[lane] : 0.0F);
    const float factor = normFactor(total, out.columns, call.epsilon);
    for (int first = 0; first < out.columns; first += threads * kColumns) {
        const int column = first + thread * kColumns;
        const bool real = column < out.columns;
        float4 value{};
        if (real) {
            value = normalised(*reinterpret_cast<const float4*>(call.hidden + at + column), factor, call.weight + column);
        }
        storeFour(out, row, column, value, real);
    }
}

} // namespace

void launchRmsNorm(const NormCall& call, int rows, const ExpertSum<kFewWeights>& sum, const ActivationView& out,
                   cudaStream_t stream) {
    const int threads = normThreads(out.columns);
    launch("rmsNorm", rmsNorm, static_cast<unsigned>(rows), threads, 0, stream, call, sum, out);
}

} // namespace moescope::backend::cuda

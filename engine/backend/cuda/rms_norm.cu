#include "engine/backend/cuda/gpu_error.h"
#include "engine/backend/cuda/kernels.h"
#include "engine/backend/cuda/quantise.cuh"

#include <algorithm>

namespace moescope::backend::cuda {
namespace {

constexpr int kMostThreads = 1024;

/// One block per row. Threads are a multiple of 32 and at most the columns, which are a multiple of 32 too.
__global__ void __launch_bounds__(kMostThreads) rmsNorm(NormCall call, ActivationView out) {
    __shared__ float partial[kMostThreads / 32];
    const int row = static_cast<int>(blockIdx.x);
    const int threads = static_cast<int>(blockDim.x);
    const int thread = static_cast<int>(threadIdx.x);
    const float* hidden = call.hidden + static_cast<std::size_t>(row) * out.columns;
    float squares = 0;
    for (int column = thread; column < out.columns; column += threads)
        squares = fmaf(hidden[column], hidden[column], squares);
    squares = sumOfLanes(squares);
    if (thread % 32 == 0)
        partial[thread / 32] = squares;
    __syncthreads();
    const int lane = thread % 32;
    const float total = sumOfLanes(lane < threads / 32 ? partial[lane] : 0.0F);
    const float factor = 1.0F / sqrtf(total / static_cast<float>(out.columns) + call.epsilon);
    for (int column = thread; column < out.columns; column += threads)
        storeActivation(out, row, column, hidden[column] * factor * call.weight[column]);
}

} // namespace

void launchRmsNorm(const NormCall& call, int rows, const ActivationView& out, cudaStream_t stream) {
    const int threads = std::min(kMostThreads, out.columns);
    rmsNorm<<<static_cast<unsigned>(rows), static_cast<unsigned>(threads), 0, stream>>>(call, out);
    checkLaunch("rmsNorm");
}

} // namespace moescope::backend::cuda

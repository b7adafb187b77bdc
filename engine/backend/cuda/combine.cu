#include "engine/backend/cuda/kernels.h"
#include "engine/backend/cuda/launch.cuh"

namespace moescope::backend::cuda {
namespace {

constexpr int kThreads = 256;

template <int Most>
__global__ void combine(float* hidden, int columns, const __grid_constant__ ExpertSum<Most> sum) {
    letNextBegin();
    awaitEarlier();
    const int column = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
    if (column >= columns)
        return;
    const int row = static_cast<int>(blockIdx.y);
    const auto at = static_cast<std::size_t>(sum.firstRow + row);
    float value = hidden[at * columns + column];
    const float* outputs = sum.outputs + at * sum.ranks * columns + column;
    for (int rank = 0; rank < sum.kept[row]; ++rank)
        value = fmaf(sum.weights[row * sum.ranks + rank], outputs[static_cast<std::size_t>(rank) * columns], value);
    hidden[at * columns + column] = value;
}

} // namespace

template <int Most>
void launchCombine(float* hidden, int columns, int rows, const ExpertSum<Most>& sum, cudaStream_t stream) {
    const dim3 grid(static_cast<unsigned>((columns + kThreads - 1) / kThreads), static_cast<unsigned>(rows));
    launch("combine", combine<Most>, grid, kThreads, 0, stream, hidden, columns, sum);
}
template void launchCombine(float*, int, int, const ExpertSum<kFewWeights>&, cudaStream_t);
template void launchCombine(float*, int, int, const ExpertSum<kManyWeights>&, cudaStream_t);

} // namespace moescope::backend::cuda

#include "engine/backend/cuda/launch.cuh"
#include "engine/backend/cuda/rotary.cuh"

namespace moescope::backend::cuda {
namespace {

constexpr int kThreads = 256;

/// One thread per pair of a row's queries, then of its keys and values.
__global__ void __launch_bounds__(kThreads) rope(RopeCall call) {
    const int row = static_cast<int>(blockIdx.y);
    const int index = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
    const int queries = call.shape.heads * call.shape.size / 2;
    const int keys = call.shape.kvHeads * call.shape.size / 2;
    letNextBegin();
    awaitEarlier();
    if (index < queries)
        reinterpret_cast<float2*>(call.queries + static_cast<std::size_t>(row) * call.shape.stride)[index] =
            turnedQuery(call, row, index);
    else if (index < queries + keys)
        keep(call, row, index - queries);
}

} // namespace

void launchRope(const RopeCall& call, cudaStream_t stream) {
    const int pairs = (call.shape.heads + call.shape.kvHeads) * call.shape.size / 2;
    const dim3 grid(static_cast<unsigned>((pairs + kThreads - 1) / kThreads), static_cast<unsigned>(call.shape.rows));
    launch("rope", rope, grid, kThreads, 0, stream, call);
}

} // namespace moescope::backend::cuda

#include "engine/backend/cuda/gpu_error.h"
#include "engine/backend/cuda/kernels.h"

namespace moescope::backend::cuda {
namespace {

constexpr int kThreads = 256;

__device__ float2 rotated(float2 pair, float cosine, float sine) {
    return {fmaf(-pair.y, sine, pair.x * cosine), fmaf(pair.x, sine, pair.y * cosine)};
}

/// One thread per pair of a row's queries, then of its keys, then of its values.
__global__ void __launch_bounds__(kThreads) rope(RopeCall call) {
    const AttentionShape& shape = call.shape;
    const int row = static_cast<int>(blockIdx.y);
    const int position = shape.firstPosition + row;
    const int half = shape.size / 2;
    const auto rowStart = static_cast<std::size_t>(row) * shape.stride;
    const int index = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
    const int queries = shape.heads * half;
    const int keys = shape.kvHeads * half;
    const int pair = index % half;
    const auto angle = static_cast<std::size_t>(position) * half + pair;
    const auto place = [&](int head) { return (static_cast<std::size_t>(head) * shape.capacity + position) * shape.size; };
    if (index < queries) {
        auto* query = reinterpret_cast<float2*>(call.queries + rowStart) + index;
        const float scale = 1.0F / sqrtf(static_cast<float>(shape.size));
        const float2 turned = rotated(*query, call.cosines[angle], call.sines[angle]);
        *query = {turned.x * scale, turned.y * scale};
    } else if (index < queries + keys) {
        const auto* key = reinterpret_cast<const float2*>(call.keys + rowStart) + (index - queries);
        reinterpret_cast<float2*>(call.keyCache + place((index - queries) / half))[pair] =
            rotated(*key, call.cosines[angle], call.sines[angle]);
    } else if (index < queries + 2 * keys) {
        const int value = index - queries - keys;
        reinterpret_cast<float2*>(call.valueCache + place(value / half))[pair] =
            reinterpret_cast<const float2*>(call.values + rowStart)[value];
    }
}

} // namespace

void launchRope(const RopeCall& call, cudaStream_t stream) {
    const int pairs = (call.shape.heads + 2 * call.shape.kvHeads) * call.shape.size / 2;
    const dim3 grid(static_cast<unsigned>((pairs + kThreads - 1) / kThreads), static_cast<unsigned>(call.shape.rows));
    rope<<<grid, kThreads, 0, stream>>>(call);
    checkLaunch("rope");
}

} // namespace moescope::backend::cuda

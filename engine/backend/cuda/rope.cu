#include "engine/backend/cuda/gpu_error.h"
#include "engine/backend/cuda/kernels.h"

namespace moescope::backend::cuda {
namespace {

constexpr int kThreads = 256;

__device__ float2 rotated(float2 pair, float cosine, float sine) {
    return {fmaf(-pair.y, sine, pair.x * cosine), fmaf(pair.x, sine, pair.y * cosine)};
}

/// One block per row; a thread takes pairs of queries and keys, then single values.
__global__ void __launch_bounds__(kThreads) rope(RopeCall call) {
    const AttentionShape& shape = call.shape;
    const int row = static_cast<int>(blockIdx.x);
    const int position = shape.firstPosition + row;
    const int half = shape.size / 2;
    const float* cosines = call.cosines + static_cast<std::size_t>(position) * half;
    const float* sines = call.sines + static_cast<std::size_t>(position) * half;
    const float scale = 1.0F / sqrtf(static_cast<float>(shape.size));
    const auto rowStart = static_cast<std::size_t>(row) * shape.stride;
    auto* queries = reinterpret_cast<float2*>(call.queries + rowStart);
    const auto* keys = reinterpret_cast<const float2*>(call.keys + rowStart);
    const auto place = [&](int head) { return (static_cast<std::size_t>(head) * shape.capacity + position) * shape.size; };
    const int queryPairs = shape.heads * half;
    for (int i = static_cast<int>(threadIdx.x); i < queryPairs + shape.kvHeads * half; i += kThreads) {
        const int pair = i % half;
        if (i < queryPairs) {
            const float2 turned = rotated(queries[i], cosines[pair], sines[pair]);
            queries[i] = {turned.x * scale, turned.y * scale};
        } else {
            const int key = i - queryPairs;
            reinterpret_cast<float2*>(call.keyCache + place(key / half))[pair] = rotated(keys[key], cosines[pair], sines[pair]);
        }
    }
    const float* values = call.values + rowStart;
    for (int i = static_cast<int>(threadIdx.x); i < shape.kvHeads * shape.size; i += kThreads)
        call.valueCache[place(i / shape.size) + i % shape.size] = values[i];
}

} // namespace

void launchRope(const RopeCall& call, cudaStream_t stream) {
    rope<<<static_cast<unsigned>(call.shape.rows), kThreads, 0, stream>>>(call);
    checkLaunch("rope");
}

} // namespace moescope::backend::cuda

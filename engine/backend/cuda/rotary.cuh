#pragma once
// What rope.cu describes, for one pair of neighbours.
#include "engine/backend/cuda/kernels.h"

namespace moescope::backend::cuda {

__device__ inline float2 rotated(const RopeCall& call, float2 pair, int position, int index) {
    const auto angle = static_cast<std::size_t>(position) * (call.shape.size / 2) + index;
    const float cosine = call.cosines[angle];
    const float sine = call.sines[angle];
    return {fmaf(-pair.y, sine, pair.x * cosine), fmaf(pair.x, sine, pair.y * cosine)};
}

/// Pair `index` of a row's queries, rotated and scaled.
__device__ inline float2 turnedQuery(const RopeCall& call, int row, int index) {
    const AttentionShape& shape = call.shape;
    const auto* queries = reinterpret_cast<const float2*>(call.queries + static_cast<std::size_t>(row) * shape.stride);
    const float scale = 1.0F / sqrtf(static_cast<float>(shape.size));
    const float2 turned = rotated(call, queries[index], shape.firstPosition + row, index % (shape.size / 2));
    return {turned.x * scale, turned.y * scale};
}

/// Puts pair `index` of a row's keys, rotated, and of its values into the cache.
__device__ inline void keep(const RopeCall& call, int row, int index) {
    const AttentionShape& shape = call.shape;
    const int half = shape.size / 2;
    const int position = shape.firstPosition + row;
    const auto rowStart = static_cast<std::size_t>(row) * shape.stride;
    const auto place = (static_cast<std::size_t>(index / half) * shape.capacity + position) * shape.size;
    reinterpret_cast<float2*>(call.keyCache + place)[index % half] =
        rotated(call, reinterpret_cast<const float2*>(call.keys + rowStart)[index], position, index % half);
    reinterpret_cast<float2*>(call.valueCache + place)[index % half] =
        reinterpret_cast<const float2*>(call.values + rowStart)[index];
}

} // namespace moescope::backend::cuda

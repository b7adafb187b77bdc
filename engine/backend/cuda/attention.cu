#include "engine/backend/cuda/gpu_error.h"
#include "engine/backend/cuda/kernels.h"
#include "engine/backend/cuda/quantise.cuh"

#include <algorithm>

namespace moescope::backend::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kKeyLanes = 8;      // lanes that share one key
constexpr int kJoinThreads = 256; // columns that a block of the second kernel joins
constexpr float kNever = -1e30F;  // below any score

__host__ __device__ int chunksFor(int positions) {
    return (positions + kChunkPositions - 1) / kChunkPositions;
}

/// Floats of a head's part of one chunk: maximum, sum of exponentials, two unused, then the weighted sum of values.
__host__ __device__ int partialFloats(int size) {
    return 4 + size;
}

__device__ float* partialOf(const AttentionCall& call, int row, int head, int chunk, int chunks) {
    const AttentionShape& shape = call.shape;
    const auto index = (static_cast<std::size_t>(row) * shape.heads + head) * chunks + chunk;
    return call.partial + index * partialFloats(shape.size);
}

/// scores[head][position of the chunk] = query . key
__device__ void scoreChunk(const float* queries, const float* keys, int perGroup, int size, int count, float* scores) {
    const int lane = static_cast<int>(threadIdx.x) % kKeyLanes;
    for (int base = 0; base < count; base += kThreads / kKeyLanes) {
        const int position = base + static_cast<int>(threadIdx.x) / kKeyLanes;
        for (int head = 0; head < perGroup; ++head) {
            float sum = 0;
            for (int i = lane * 4; position < count && i < size; i += kKeyLanes * 4) {
                const auto key = *reinterpret_cast<const float4*>(keys + static_cast<std::size_t>(position) * size + i);
                const auto query = *reinterpret_cast<const float4*>(queries + head * size + i);
                sum = fmaf(query.w, key.w, fmaf(query.z, key.z, fmaf(query.y, key.y, fmaf(query.x, key.x, sum))));
            }
            for (int offset = kKeyLanes / 2; offset > 0; offset /= 2)
                sum += __shfl_xor_sync(kAllLanes, sum, offset);
            if (lane == 0 && position < count)
                scores[head * kChunkPositions + position] = sum;
        }
    }
}

/// Scores -> exponentials; by one warp. Returns {maximum, sum}.
__device__ float2 exponentiate(float* scores, int count) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    float most = kNever;
    for (int i = lane; i < count; i += 32)
        most = fmaxf(most, scores[i]);
    most = maxOfLanes(most);
    float sum = 0;
    for (int i = lane; i < count; i += 32) {
        scores[i] = expf(scores[i] - most);
        sum = __fadd_rn(sum, scores[i]);
    }
    return {most, sumOfLanes(sum)};
}

/// Block (chunk, key/value head, row): the chunk's part of every query head that shares the key/value head.
__global__ void __launch_bounds__(kThreads) attendChunk(AttentionCall call) {
    extern __shared__ float4 shared[]; // queries [perGroup][size], scores [perGroup][128]
    const AttentionShape& shape = call.shape;
    const int chunk = static_cast<int>(blockIdx.x);
    const int group = static_cast<int>(blockIdx.y);
    const int row = static_cast<int>(blockIdx.z);
    const int count = min(kChunkPositions, shape.firstPosition + row + 1 - chunk * kChunkPositions);
    if (count <= 0)
        return;
    const int perGroup = shape.heads / shape.kvHeads;
    const int size = shape.size;
    auto* queries = reinterpret_cast<float*>(shared);
    float* scores = queries + perGroup * size;
    const float* source = call.queries + static_cast<std::size_t>(row) * shape.stride + group * perGroup * size;
    for (int i = static_cast<int>(threadIdx.x); i < perGroup * size; i += kThreads)
        queries[i] = source[i];
    __syncthreads();
    const auto offset = (static_cast<std::size_t>(group) * shape.capacity + chunk * kChunkPositions) * size;
    scoreChunk(queries, call.keyCache + offset, perGroup, size, count, scores);
    __syncthreads();
    const int chunks = static_cast<int>(gridDim.x);
    for (int head = static_cast<int>(threadIdx.x) / 32; head < perGroup; head += kThreads / 32) {
        const float2 found = exponentiate(scores + head * kChunkPositions, count);
        float* out = partialOf(call, row, group * perGroup + head, chunk, chunks);
        if (threadIdx.x % 32 == 0) {
            out[0] = found.x;
            out[1] = found.y;
        }
    }
    __syncthreads();
    for (int item = static_cast<int>(threadIdx.x); item < perGroup * size; item += kThreads) {
        const int head = item / size;
        const float* values = call.valueCache + offset + item % size;
        float sum = 0;
#pragma unroll 8
        for (int i = 0; i < count; ++i)
            sum = fmaf(scores[head * kChunkPositions + i], values[static_cast<std::size_t>(i) * size], sum);
        partialOf(call, row, group * perGroup + head, chunk, chunks)[4 + item % size] = sum;
    }
}

/// Thread = one column of one row: joins the chunks in order.
__global__ void __launch_bounds__(kJoinThreads) joinChunks(AttentionCall call, ActivationView out, int firstRow, int chunks) {
    const AttentionShape& shape = call.shape;
    const int column = static_cast<int>(blockIdx.x) * kJoinThreads + static_cast<int>(threadIdx.x);
    if (column >= out.columns)
        return;
    const int row = static_cast<int>(blockIdx.y);
    const int head = column / shape.size;
    const int mine = chunksFor(shape.firstPosition + row + 1);
    const float* first = partialOf(call, row, head, 0, chunks);
    const int stride = partialFloats(shape.size);
    float most = kNever;
    for (int chunk = 0; chunk < mine; ++chunk)
        most = fmaxf(most, first[chunk * stride]);
    float sum = 0;
    float weights = 0;
    for (int chunk = 0; chunk < mine; ++chunk) {
        const float* part = first + static_cast<std::size_t>(chunk) * stride;
        const float factor = expf(part[0] - most);
        weights = fmaf(factor, part[1], weights);
        sum = fmaf(factor, part[4 + column % shape.size], sum);
    }
    storeActivation(out, firstRow + row, column, sum / weights);
}

int rowsAtOnce(const AttentionShape& shape) {
    constexpr std::size_t kMostFloats = std::size_t{8} << 20U;
    const std::size_t perRow = static_cast<std::size_t>(shape.heads) * static_cast<std::size_t>(chunksFor(shape.capacity)) *
                               static_cast<std::size_t>(partialFloats(shape.size));
    return static_cast<int>(std::max<std::size_t>(1, kMostFloats / perRow));
}

} // namespace

std::size_t attentionScratch(const AttentionShape& shape, int rows) {
    return static_cast<std::size_t>(std::min(rows, rowsAtOnce(shape))) * static_cast<std::size_t>(shape.heads) *
           static_cast<std::size_t>(chunksFor(shape.capacity)) * static_cast<std::size_t>(partialFloats(shape.size));
}

void launchAttention(const AttentionCall& call, const ActivationView& out, cudaStream_t stream) {
    const int perGroup = call.shape.heads / call.shape.kvHeads;
    const auto shared = static_cast<std::size_t>(perGroup * (call.shape.size + kChunkPositions)) * sizeof(float);
    const int together = rowsAtOnce(call.shape);
    for (int first = 0; first < call.shape.rows; first += together) {
        AttentionCall part = call;
        part.shape.rows = std::min(together, call.shape.rows - first);
        part.shape.firstPosition += first;
        part.queries += static_cast<std::size_t>(first) * static_cast<std::size_t>(call.shape.stride);
        const int chunks = chunksFor(part.shape.firstPosition + part.shape.rows);
        const auto rows = static_cast<unsigned>(part.shape.rows);
        attendChunk<<<dim3(static_cast<unsigned>(chunks), static_cast<unsigned>(call.shape.kvHeads), rows), kThreads, shared,
                      stream>>>(part);
        checkLaunch("attendChunk");
        const auto blocks = static_cast<unsigned>((out.columns + kJoinThreads - 1) / kJoinThreads);
        joinChunks<<<dim3(blocks, rows), kJoinThreads, 0, stream>>>(part, out, first, chunks);
        checkLaunch("joinChunks");
    }
}

} // namespace moescope::backend::cuda

#include "engine/backend/cuda/kernels.h"
#include "engine/backend/cuda/launch.cuh"
#include "engine/backend/cuda/quantise.cuh"
#include "engine/backend/cuda/rotary.cuh"

#include <algorithm>

namespace moescope::backend::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kKeyLanes = 8;      // lanes that share one key
constexpr int kHeadsAtOnce = 4;   // query heads that a thread takes through one key or value
constexpr int kHalves = 2;        // of a chunk's positions, summed by threads of their own
constexpr int kValuesAtOnce = 16; // that a thread has under way
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

/// What a block keeps of one chunk in shared memory.
struct ChunkMemory {
    float* queries; ///< [perGroup][size]
    float* sums;    ///< [halves][perGroup][size]
    float* scores;  ///< [perGroup][positions]
    float* weights; ///< [perGroup][maximum, sum of exponentials]

    __device__ ChunkMemory(float4* shared, const AttentionShape& shape) {
        const int columns = shape.heads / shape.kvHeads * shape.size;
        queries = reinterpret_cast<float*>(shared);
        sums = queries + columns;
        scores = sums + kHalves * columns;
        weights = scores + shape.heads / shape.kvHeads * kChunkPositions;
    }
};

/// scores[head][position of the chunk] = query . key, for heads [first, first + heads).
__device__ void scoreChunk(const ChunkMemory& memory, const float* keys, int first, int heads, int size, int count) {
    constexpr int kKeys = kThreads / kKeyLanes;
    const int lane = static_cast<int>(threadIdx.x) % kKeyLanes;
#pragma unroll
    for (int base = 0; base < kChunkPositions; base += kKeys) {
        const int position = base + static_cast<int>(threadIdx.x) / kKeyLanes;
        const float* key = keys + static_cast<std::size_t>(min(position, count - 1)) * size;
        float sums[kHeadsAtOnce] = {};
#pragma unroll 4
        for (int i = lane * 4; i < size; i += kKeyLanes * 4) {
            const auto k = *reinterpret_cast<const float4*>(key + i);
#pragma unroll
            for (int head = 0; head < kHeadsAtOnce; ++head) {
                const auto q =
                    *reinterpret_cast<const float4*>(memory.queries + min(first + head, first + heads - 1) * size + i);
                sums[head] = fmaf(q.w, k.w, fmaf(q.z, k.z, fmaf(q.y, k.y, fmaf(q.x, k.x, sums[head]))));
            }
        }
#pragma unroll
        for (int head = 0; head < kHeadsAtOnce; ++head) {
            for (int offset = kKeyLanes / 2; offset > 0; offset /= 2)
                sums[head] += __shfl_xor_sync(kAllLanes, sums[head], offset);
            if (lane == 0 && position < count && head < heads)
                memory.scores[(first + head) * kChunkPositions + position] = sums[head];
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

/// sums[half][head][column] = sum over the half's positions of weight * value, for heads [first, first + heads).
__device__ void sumValues(const ChunkMemory& memory, const float* values, int first, int heads, int perGroup, int size,
                          int count) {
    constexpr int kColumns = kThreads / kHalves;
    const int half = static_cast<int>(threadIdx.x) / kColumns;
    const int begin = half * (kChunkPositions / kHalves);
    const int end = min(count, begin + kChunkPositions / kHalves);
    for (int column = static_cast<int>(threadIdx.x) % kColumns; column < size; column += kColumns) {
        float sums[kHeadsAtOnce] = {};
        for (int base = begin; base < end; base += kValuesAtOnce) {
            float value[kValuesAtOnce];
#pragma unroll
            for (int i = 0; i < kValuesAtOnce; ++i)
                value[i] = values[static_cast<std::size_t>(min(base + i, end - 1)) * size + column];
#pragma unroll
            for (int i = 0; i < kValuesAtOnce; ++i)
                if (base + i < end)
#pragma unroll
                    for (int head = 0; head < kHeadsAtOnce; ++head)
                        sums[head] = fmaf(memory.scores[min(first + head, first + heads - 1) * kChunkPositions + base + i],
                                          value[i], sums[head]);
        }
#pragma unroll
        for (int head = 0; head < kHeadsAtOnce; ++head)
            if (head < heads)
                memory.sums[(half * perGroup + first + head) * size + column] = sums[head];
    }
}

/// One chunk of positions of one key/value head, with a row's query heads that share it: fills sums and weights from queries.
/// By a whole block, which has come together before and has again after.
__device__ void attendToChunk(const AttentionCall& call, const ChunkMemory& memory, int chunk, int group, int count) {
    const AttentionShape& shape = call.shape;
    const int perGroup = shape.heads / shape.kvHeads;
    const auto offset = (static_cast<std::size_t>(group) * shape.capacity + chunk * kChunkPositions) * shape.size;
    for (int first = 0; first < perGroup; first += kHeadsAtOnce)
        scoreChunk(memory, call.keyCache + offset, first, min(kHeadsAtOnce, perGroup - first), shape.size, count);
    __syncthreads();
    for (int head = static_cast<int>(threadIdx.x) / 32; head < perGroup; head += kThreads / 32) {
        const float2 found = exponentiate(memory.scores + head * kChunkPositions, count);
        if (threadIdx.x % 32 == 0) {
            memory.weights[2 * head] = found.x;
            memory.weights[2 * head + 1] = found.y;
        }
    }
    __syncthreads();
    for (int first = 0; first < perGroup; first += kHeadsAtOnce)
        sumValues(memory, call.valueCache + offset, first, min(kHeadsAtOnce, perGroup - first), perGroup, shape.size, count);
    __syncthreads();
}

__device__ float bothHalves(const ChunkMemory& memory, int columns, int column) {
    return __fadd_rn(memory.sums[column], memory.sums[columns + column]);
}

/// Leaves what attendToChunk found for those who join the chunks.
__device__ void keepPart(const AttentionCall& call, const ChunkMemory& memory, int row, int group, int chunk, int chunks) {
    const AttentionShape& shape = call.shape;
    const int perGroup = shape.heads / shape.kvHeads;
    for (int column = static_cast<int>(threadIdx.x); column < perGroup * shape.size; column += kThreads) {
        const int head = column / shape.size;
        float* out = partialOf(call, row, group * perGroup + head, chunk, chunks);
        out[4 + column % shape.size] = bothHalves(memory, perGroup * shape.size, column);
        if (column % shape.size < 2)
            out[column % shape.size] = memory.weights[2 * head + column % shape.size];
    }
}

/// Joins a head's chunks in order: one column's value.
__device__ float joined(const float* first, int stride, int chunks, int column) {
    float most = kNever;
    for (int chunk = 0; chunk < chunks; ++chunk)
        most = fmaxf(most, first[chunk * stride]);
    float sum = 0;
    float weights = 0;
#pragma unroll 4
    for (int chunk = 0; chunk < chunks; ++chunk) {
        const float* part = first + static_cast<std::size_t>(chunk) * stride;
        const float factor = expf(part[0] - most);
        weights = fmaf(factor, part[1], weights);
        sum = fmaf(factor, part[4 + column], sum);
    }
    return sum / weights;
}

/// joined() for all columns of a group's heads, by a block that does it alone: what chunks weigh is reckoned once. factors is
/// scratch in shared memory, [perGroup][chunks + 1].
__device__ void joinGroup(const AttentionCall& call, int group, int chunks, int mine, float* factors,
                          const ActivationView& out) {
    const AttentionShape& shape = call.shape;
    const int perGroup = shape.heads / shape.kvHeads;
    const int stride = partialFloats(shape.size);
    const float* parts = partialOf(call, 0, group * perGroup, 0, chunks);
    for (int head = static_cast<int>(threadIdx.x); head < perGroup; head += kThreads) {
        const float* first = parts + static_cast<std::size_t>(head) * chunks * stride;
        float* mineOf = factors + head * (mine + 1);
        float most = kNever;
#pragma unroll 8
        for (int chunk = 0; chunk < mine; ++chunk)
            most = fmaxf(most, first[chunk * stride]);
        float weights = 0;
#pragma unroll 8
        for (int chunk = 0; chunk < mine; ++chunk) {
            mineOf[chunk] = expf(first[chunk * stride] - most);
            weights = fmaf(mineOf[chunk], first[chunk * stride + 1], weights);
        }
        mineOf[mine] = weights;
    }
    __syncthreads();
#pragma unroll 4
    for (int column = static_cast<int>(threadIdx.x); column < perGroup * shape.size; column += kThreads) {
        const int head = column / shape.size;
        const float* first = parts + static_cast<std::size_t>(head) * chunks * stride + 4 + column % shape.size;
        const float* mineOf = factors + head * (mine + 1);
        float sum = 0;
#pragma unroll 8
        for (int chunk = 0; chunk < mine; ++chunk)
            sum = fmaf(mineOf[chunk], first[static_cast<std::size_t>(chunk) * stride], sum);
        storeActivation(out, 0, group * perGroup * shape.size + column, sum / mineOf[mine]);
    }
}

/// Several rows. Block (chunk, key/value head, row).
__global__ void __launch_bounds__(kThreads) attendChunk(AttentionCall call) {
    extern __shared__ float4 shared[];
    const AttentionShape& shape = call.shape;
    const ChunkMemory memory(shared, shape);
    const int chunk = static_cast<int>(blockIdx.x);
    const int group = static_cast<int>(blockIdx.y);
    const int row = static_cast<int>(blockIdx.z);
    letNextBegin();
    awaitEarlier();
    const int count = min(kChunkPositions, shape.firstPosition + row + 1 - chunk * kChunkPositions);
    if (count <= 0)
        return;
    const int columns = shape.heads / shape.kvHeads * shape.size;
    const float* source = call.queries + static_cast<std::size_t>(row) * shape.stride + group * columns;
    for (int i = static_cast<int>(threadIdx.x); i < columns; i += kThreads)
        memory.queries[i] = source[i];
    __syncthreads();
    attendToChunk(call, memory, chunk, group, count);
    keepPart(call, memory, row, group, chunk, static_cast<int>(gridDim.x));
}

/// The row's queries of one group, rotated, into shared memory; its keys and values into the cache if they belong to the chunk.
__device__ void rotateOne(const RopeCall& rope, const ChunkMemory& memory, int group, bool keeps) {
    const int half = rope.shape.size / 2;
    const int pairs = rope.shape.heads / rope.shape.kvHeads * half;
#pragma unroll 2
    for (int pair = static_cast<int>(threadIdx.x); pair < pairs; pair += kThreads)
        reinterpret_cast<float2*>(memory.queries)[pair] = turnedQuery(rope, 0, group * pairs + pair);
    if (keeps)
        for (int pair = static_cast<int>(threadIdx.x); pair < half; pair += kThreads)
            keep(rope, 0, group * half + pair);
}

/// Whether this block is the last of its group to come here; it then sees what the others wrote.
__device__ bool isLast(unsigned* finished, int blocks) {
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0)
        last = atomicInc(finished, static_cast<unsigned>(blocks - 1)) == static_cast<unsigned>(blocks - 1);
    __syncthreads();
    __threadfence();
    return last;
}

/// One row, from the projections to the attended values, in one launch. Block (chunk, key/value head); the last block of a head
/// to finish joins its chunks. The position is *position, not the shape's.
__global__ void __launch_bounds__(kThreads)
    attendOne(AttentionCall call, RopeCall rope, const int* position, unsigned* finished, ActivationView out) {
    extern __shared__ float4 shared[];
    const AttentionShape& shape = call.shape;
    const ChunkMemory memory(shared, shape);
    const int chunk = static_cast<int>(blockIdx.x);
    const int chunks = static_cast<int>(gridDim.x);
    const int group = static_cast<int>(blockIdx.y);
    const int columns = shape.heads / shape.kvHeads * shape.size;
    letNextBegin();
    awaitEarlier();
    const int positions = *position + 1;
    rope.shape.firstPosition = positions - 1;
    const int count = min(kChunkPositions, positions - chunk * kChunkPositions);
    rotateOne(rope, memory, group, count > 0 && chunk * kChunkPositions + count == positions);
    __syncthreads();
    if (count > 0)
        attendToChunk(call, memory, chunk, group, count);
    if (chunks == 1) { // as joined() would
        for (int column = static_cast<int>(threadIdx.x); column < columns; column += kThreads)
            storeActivation(out, 0, group * columns + column,
                            __fadd_rn(bothHalves(memory, columns, column), 0.0F) /
                                memory.weights[2 * (column / shape.size) + 1]);
        return;
    }
    if (count > 0)
        keepPart(call, memory, 0, group, chunk, chunks);
    if (isLast(finished + group, chunks))
        joinGroup(call, group, chunks, chunksFor(positions), reinterpret_cast<float*>(shared), out);
}

/// Thread = one column of one row: joins the chunks in order.
__global__ void __launch_bounds__(kThreads) joinChunks(AttentionCall call, ActivationView out, int firstRow, int chunks) {
    const AttentionShape& shape = call.shape;
    letNextBegin();
    awaitEarlier();
    const int column = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
    if (column >= out.columns)
        return;
    const int row = static_cast<int>(blockIdx.y);
    const float* first = partialOf(call, row, column / shape.size, 0, chunks);
    storeActivation(out, firstRow + row, column,
                    joined(first, partialFloats(shape.size), chunksFor(shape.firstPosition + row + 1), column % shape.size));
}

int rowsAtOnce(const AttentionShape& shape) {
    constexpr std::size_t kMostFloats = std::size_t{8} << 20U;
    const std::size_t perRow = static_cast<std::size_t>(shape.heads) * static_cast<std::size_t>(chunksFor(shape.capacity)) *
                               static_cast<std::size_t>(partialFloats(shape.size));
    return static_cast<int>(std::max<std::size_t>(1, kMostFloats / perRow));
}

std::size_t sharedBytes(const AttentionShape& shape) {
    return static_cast<std::size_t>(shape.heads / shape.kvHeads * ((1 + kHalves) * shape.size + kChunkPositions + 2)) *
           sizeof(float);
}

} // namespace

bool attendsInOneLaunch(const AttentionShape& shape) {
    return shape.heads / shape.kvHeads * shape.size % kBlockColumns == 0;
}

void launchAttentionOfOne(const AttentionCall& call, const RopeCall& rope, const int* position, unsigned* finished,
                          const ActivationView& out, cudaStream_t stream) {
    const int chunks = chunksFor(call.shape.firstPosition + 1);
    const std::size_t joins = static_cast<std::size_t>(call.shape.heads / call.shape.kvHeads * (chunks + 1)) * sizeof(float);
    launch("attendOne", attendOne, dim3(static_cast<unsigned>(chunks), static_cast<unsigned>(call.shape.kvHeads)), kThreads,
           std::max(sharedBytes(call.shape), joins), stream, call, rope, position, finished, out);
}

std::size_t attentionScratch(const AttentionShape& shape, int rows) {
    return static_cast<std::size_t>(std::min(rows, rowsAtOnce(shape))) * static_cast<std::size_t>(shape.heads) *
           static_cast<std::size_t>(chunksFor(shape.capacity)) * static_cast<std::size_t>(partialFloats(shape.size));
}

void launchAttention(const AttentionCall& call, const ActivationView& out, cudaStream_t stream) {
    const std::size_t shared = sharedBytes(call.shape);
    const int together = rowsAtOnce(call.shape);
    for (int first = 0; first < call.shape.rows; first += together) {
        AttentionCall part = call;
        part.shape.rows = std::min(together, call.shape.rows - first);
        part.shape.firstPosition += first;
        part.queries += static_cast<std::size_t>(first) * static_cast<std::size_t>(call.shape.stride);
        const int chunks = chunksFor(part.shape.firstPosition + part.shape.rows);
        const auto rows = static_cast<unsigned>(part.shape.rows);
        launch("attendChunk", attendChunk, dim3(static_cast<unsigned>(chunks), static_cast<unsigned>(call.shape.kvHeads), rows),
               kThreads, shared, stream, part);
        const auto blocks = static_cast<unsigned>((out.columns + kThreads - 1) / kThreads);
        launch("joinChunks", joinChunks, dim3(blocks, rows), kThreads, 0, stream, part, out, first, chunks);
    }
}

} // namespace moescope::backend::cuda

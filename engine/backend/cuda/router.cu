#include "engine/backend/cuda/kernels.h"
#include "engine/backend/cuda/launch.cuh"
#include "engine/backend/cuda/norm.cuh"
#include "engine/backend/cuda/row_dots.cuh"

#include <stdexcept>

namespace moescope::backend::cuda {
namespace {

using model::TensorType;

constexpr int kThreads = 256;

/// A block per row: a router has few rows, and every other stage of the layer waits for them. blockIdx.z takes kTogether of a
/// tile's tokens.
template <TensorType Type, int Tokens>
__global__ void __launch_bounds__(kThreads) route(const __grid_constant__ TileCall<Tokens> call, int outStride) {
    constexpr int kAtOnce = Tokens == 1 ? 1 : kTogether;
    __shared__ float partial[kThreads / 32][kAtOnce];
    letNextBegin();
    awaitEarlier();
    const Tile tile = call.tile[blockIdx.y];
    const int row = static_cast<int>(blockIdx.x);
    const int firstToken = static_cast<int>(blockIdx.z) * kAtOnce;
    const int tokens = min(kAtOnce, tile.tokens - firstToken);
    if (row >= tile.rows || tokens <= 0)
        return;
    const std::byte* const rows[1] = {tile.matrix + call.rowBytes * row};
    const RowPair* pairs = call.pair + tile.firstPair + firstToken;
    int inputs[kAtOnce];
    for (int token = 0; token < kAtOnce; ++token)
        inputs[token] = pairs[min(token, tokens - 1)].in;
    float sums[1][kAtOnce] = {};
    addParts<Type, kThreads>(rows, call.input, inputs, tokens, sums);
    if (threadIdx.x % 32 == 0)
#pragma unroll
        for (int token = 0; token < kAtOnce; ++token)
            partial[threadIdx.x / 32][token] = sums[0][token];
    __syncthreads();
    const int token = static_cast<int>(threadIdx.x);
    if (token >= tokens)
        return;
    float sum = 0;
    for (const auto& part : partial)
        sum = __fadd_rn(sum, part[token]);
    tile.out[static_cast<std::size_t>(pairs[token].out) * outStride + row] = sum;
}

__device__ void prefetch(const void* bytes, std::size_t count) {
    constexpr std::size_t kLine = 128;
    for (std::size_t at = threadIdx.x * kLine; at < count; at += kThreads * kLine)
        asm volatile("prefetch.global.L2 [%0];" ::"l"(static_cast<const std::byte*>(bytes) + at));
}

/// rmsNorm's factor for a row in shared memory, by this block.
__device__ float factorOf(const float* row, int columns, float epsilon) {
    __shared__ float partial[kNormThreads / 32];
    const int thread = static_cast<int>(threadIdx.x);
    const int threads = normThreads(columns);
#pragma unroll
    for (int other = thread; other < kNormThreads; other += kThreads) { // the threads of the norm's own kernel
        float squares = 0;
        for (int column = other * kNormColumns; other < threads && column < columns; column += threads * kNormColumns)
            squares = addSquares(*reinterpret_cast<const float4*>(row + column), squares);
        squares = sumOfLanes(squares);
        if (thread % 32 == 0)
            partial[other / 32] = squares;
    }
    __syncthreads();
    return normFactor(sumOfLanes(partial[thread % 32]), columns, epsilon);
}

/// One token. Block (row, tile) normalises for itself; the one behind the first tile's rows stores the normalised row.
template <TensorType Type>
__global__ void __launch_bounds__(kThreads)
    normAndRoute(NormCall norm, const __grid_constant__ TileCall<1> call, int outStride, const ActivationView out) {
    extern __shared__ float4 shared[];
    __shared__ float partial[kThreads / 32];
    auto* values = reinterpret_cast<float*>(shared);
    const Tile tile = call.tile[blockIdx.y];
    const int row = static_cast<int>(blockIdx.x);
    const bool stores = row == call.mostRows;
    const int thread = static_cast<int>(threadIdx.x);
    const std::byte* const rows[1] = {tile.matrix + call.rowBytes * row};
    letNextBegin();
    if (stores ? blockIdx.y == 0 : row < tile.rows) {
        prefetch(norm.weight, out.columns * sizeof(float));
        if (!stores)
            prefetch(rows[0], call.rowBytes);
    }
    awaitEarlier();
    if (stores ? blockIdx.y > 0 : row >= tile.rows)
        return;
    if (stores && thread == 0)
        set(norm.mark);
#pragma unroll 4
    for (int column = thread * kNormColumns; column < out.columns; column += kThreads * kNormColumns)
        *reinterpret_cast<float4*>(values + column) = *reinterpret_cast<const float4*>(norm.hidden + column);
    __syncthreads();
    const float factor = factorOf(values, out.columns, norm.epsilon);
#pragma unroll 4
    for (int first = 0; first < out.columns; first += kThreads * kNormColumns) {
        const int column = first + thread * kNormColumns;
        const bool real = column < out.columns;
        float4 value{};
        if (real)
            value = normalised(*reinterpret_cast<const float4*>(values + column), factor, norm.weight + column);
        if (stores)
            storeFour(out, 0, column, value, real);
        else if (real)
            *reinterpret_cast<float4*>(values + column) = value;
    }
    if (stores)
        return;
    __syncthreads();
    const int inputs[1] = {0};
    float sums[1][1] = {};
    addParts<Type, kThreads>(rows, ActivationView{values, nullptr, nullptr, out.columns}, inputs, 1, sums);
    if (thread % 32 == 0)
        partial[thread / 32] = sums[0][0];
    __syncthreads();
    if (thread > 0)
        return;
    float sum = 0;
    for (const float part : partial)
        sum = __fadd_rn(sum, part);
    tile.out[static_cast<std::size_t>(call.pair[tile.firstPair].out) * outStride + row] = sum;
}

template <TensorType Type>
void runWithNorm(const NormCall& norm, const TileCall<1>& call, int outStride, const ActivationView& out, cudaStream_t stream) {
    const std::size_t shared = static_cast<std::size_t>(out.columns) * sizeof(float);
    allowShared(normAndRoute<Type>, shared);
    const dim3 grid(static_cast<unsigned>(call.mostRows) + 1, static_cast<unsigned>(call.tiles));
    launch("normAndRoute", normAndRoute<Type>, grid, kThreads, shared, stream, norm, call, outStride, out);
}

template <TensorType Type, int Tokens>
void run(const TileCall<Tokens>& call, int outStride, cudaStream_t stream) {
    const dim3 grid(static_cast<unsigned>(call.mostRows), static_cast<unsigned>(call.tiles),
                    Tokens == 1 ? 1 : kTileTokens / kTogether);
    launch("route", route<Type, Tokens>, grid, kThreads, 0, stream, call, outStride);
}

} // namespace

template <int Tokens>
void launchRouter(TensorType type, const TileCall<Tokens>& call, int outStride, cudaStream_t stream) {
    switch (type) {
    case TensorType::F32:
        return run<TensorType::F32>(call, outStride, stream);
    case TensorType::F16:
        return run<TensorType::F16>(call, outStride, stream);
    case TensorType::BF16:
        return run<TensorType::BF16>(call, outStride, stream);
    case TensorType::Q8_0:
    case TensorType::Q4_0:
        return launchProduct(type, call, outStride, false, stream);
    default:
        return; // checked() refuses the others
    }
}
template void launchRouter(TensorType, const TileCall<1>&, int, cudaStream_t);
template void launchRouter(TensorType, const TileCall<kTileTokens>&, int, cudaStream_t);

bool normsWithRouter(TensorType type) {
    return !isQuantised(type);
}

void launchNormAndRouter(const NormCall& norm, TensorType type, const TileCall<1>& call, int outStride,
                         const ActivationView& out, cudaStream_t stream) {
    switch (type) {
    case TensorType::F32:
        return runWithNorm<TensorType::F32>(norm, call, outStride, out, stream);
    case TensorType::F16:
        return runWithNorm<TensorType::F16>(norm, call, outStride, out, stream);
    case TensorType::BF16:
        return runWithNorm<TensorType::BF16>(norm, call, outStride, out, stream);
    case TensorType::Q8_0:
    case TensorType::Q4_0:
        throw std::logic_error("A quantised router takes its norm from a kernel of its own.");
    default:
        return; // checked() refuses the others
    }
}

} // namespace moescope::backend::cuda

#include "engine/backend/cuda/digit_tiles.cuh"
#include "engine/backend/cuda/gpu_error.h"
#include "engine/backend/cuda/kernels.h"
#include "engine/backend/cuda/row_ring.cuh"

#include <algorithm>

namespace moescope::backend::cuda {
namespace {

using model::TensorType;

constexpr int kWarps = 8;
constexpr int kWarpRows = 2;
constexpr int kStages = 3;

__host__ __device__ int setsOf(const Tile& tile) {
    return (tile.rows + kWarpRows - 1) / kWarpRows;
}

/// A warp's rows within one of the call's matrices.
struct Place {
    int tile;
    int row;
};
__device__ Place placeOf(const TileCall<1>& call, int set) {
    int tile = 0;
    for (; set >= setsOf(call.tile[tile]); ++tile)
        set -= setsOf(call.tile[tile]);
    return {tile, set * kWarpRows};
}

/// One token. As many blocks as the GPU holds; their warps share the rows of all tiles evenly.
template <TensorType Type>
__global__ void __launch_bounds__(kWarps * 32)
    productOfOne(const __grid_constant__ TileCall<1> call, int sets, int outStride, bool add) {
    using Ring = RowRing<Type, kWarpRows, kWarpRows, kStages>;
    extern __shared__ __align__(16) std::byte rings[];
    const int warp = static_cast<int>(threadIdx.x) / 32;
    letNextBegin();
    const auto setAt = [&](int set) {
        const Place place = placeOf(call, set);
        const Tile& tile = call.tile[place.tile];
        return RowSet{matrixOf(call, place.tile, call.chosen) + call.rowBytes * place.row, tile.rows - place.row,
                      call.pair[tile.firstPair].in};
    };
    const auto finish = [&](int set, const float(&sums)[kWarpRows]) {
        if (threadIdx.x % 32 != 0)
            return;
        const Place place = placeOf(call, set);
        const Tile& tile = call.tile[place.tile];
        float* out = tile.out + static_cast<std::size_t>(call.pair[tile.firstPair].out) * outStride + place.row;
#pragma unroll
        for (int row = 0; row < kWarpRows; ++row)
            if (place.row + row < tile.rows)
                out[row] = add ? out[row] + sums[row] : sums[row];
    };
    const int blocks = static_cast<int>(gridDim.x);
    Ring(rings + warp * Ring::kBytes, call.input.columns, call.rowBytes, 0)
        .run(warp * blocks + static_cast<int>(blockIdx.x), sets, blocks * kWarps, call.chosen == nullptr, call.input, setAt,
             finish);
}

/// Several tokens per tile, weights that are floats. blockIdx.z takes kTogether of the tokens.
template <TensorType Type>
__global__ void __launch_bounds__(kWarps * 32)
    productOfFloats(const __grid_constant__ TileCall<kTileTokens> call, int outStride, bool add) {
    letNextBegin();
    awaitEarlier();
    const Tile tile = call.tile[blockIdx.y];
    const int first = (static_cast<int>(blockIdx.x) * kWarps + static_cast<int>(threadIdx.x) / 32) * kWarpRows;
    const int firstToken = static_cast<int>(blockIdx.z) * kTogether;
    const int tokens = min(kTogether, tile.tokens - firstToken);
    if (first >= tile.rows || tokens <= 0)
        return;
    const std::byte* rows[kWarpRows];
    for (int row = 0; row < kWarpRows; ++row)
        rows[row] = tile.matrix + call.rowBytes * min(first + row, tile.rows - 1);
    const RowPair* pairs = call.pair + tile.firstPair + firstToken;
    int inputs[kTogether];
    for (int token = 0; token < kTogether; ++token)
        inputs[token] = pairs[min(token, tokens - 1)].in;
    float sums[kWarpRows][kTogether] = {};
    rowDots<Type>(rows, call.input, inputs, tokens, sums);
    if (threadIdx.x % 32 != 0)
        return;
#pragma unroll
    for (int token = 0; token < kTogether; ++token) {
        if (token >= tokens)
            continue;
        float* out = tile.out + static_cast<std::size_t>(pairs[token].out) * outStride + first;
#pragma unroll
        for (int row = 0; row < kWarpRows; ++row)
            if (first + row < tile.rows)
                out[row] = add ? out[row] + sums[row][token] : sums[row][token];
    }
}

/// Several tokens per tile, quantised weights: 128 rows of a tile per block.
template <TensorType Type>
__global__ void __launch_bounds__(DigitTile<Type>::kThreads, 2)
    productOfDigits(const __grid_constant__ TileCall<kTileTokens> call, int outStride, bool add) {
    using Digits = DigitTile<Type>;
    extern __shared__ __align__(16) std::byte stages[];
    letNextBegin();
    const Tile tile = call.tile[blockIdx.x];
    const int thread = static_cast<int>(threadIdx.x);
    const int first = static_cast<int>(blockIdx.y) * Digits::kRows;
    if (first >= tile.rows)
        return;
    awaitEarlier();
    const RowPair* pairs = call.pair + tile.firstPair;
    typename Digits::Sums sums = {};
    Digits(stages, call.input, tile.matrix + call.rowBytes * min(first + Digits::copiedRow(), tile.rows - 1),
           pairs[min(Digits::copiedToken(), tile.tokens - 1)].in)
        .run(sums);
#pragma unroll
    for (int group = 0; group < Digits::kGroups; ++group)
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int token = group * 8 + thread % 4 * 2 + i % 2;
            const int row = first + thread / 32 * 16 + thread % 32 / 4 + i / 2 * 8;
            if (token >= tile.tokens || row >= tile.rows)
                continue;
            float& out = tile.out[static_cast<std::size_t>(pairs[token].out) * outStride + row];
            out = add ? out + sums[group][i] : sums[group][i];
        }
}

template <TensorType Type>
void run(const TileCall<1>& call, int outStride, bool add, cudaStream_t stream) {
    constexpr int kShared = kWarps * RowRing<Type, kWarpRows, kWarpRows, kStages>::kBytes;
    static const int kMostBlocks = residentBlocks(productOfOne<Type>, kWarps * 32, kShared);
    int sets = 0;
    for (int tile = 0; tile < call.tiles; ++tile)
        sets += setsOf(call.tile[tile]);
    const int blocks = std::min((sets + kWarps - 1) / kWarps, kMostBlocks);
    launch("productOfOne", productOfOne<Type>, static_cast<unsigned>(blocks), kWarps * 32, kShared, stream, call, sets,
           outStride, add);
}

template <TensorType Type>
void run(const TileCall<kTileTokens>& call, int outStride, bool add, cudaStream_t stream) {
    const auto tiles = static_cast<unsigned>(call.tiles);
    if constexpr (isQuantised(Type)) {
        using Digits = DigitTile<Type>;
        const std::size_t shared = Digits::sharedBytes(call.input.columns);
        allowShared(productOfDigits<Type>, shared);
        const dim3 grid(tiles, static_cast<unsigned>((call.mostRows + Digits::kRows - 1) / Digits::kRows));
        launch("productOfDigits", productOfDigits<Type>, grid, Digits::kThreads, shared, stream, call, outStride, add);
    } else {
        constexpr int kBlockRows = kWarps * kWarpRows;
        const dim3 grid(static_cast<unsigned>((call.mostRows + kBlockRows - 1) / kBlockRows), tiles, kTileTokens / kTogether);
        launch("productOfFloats", productOfFloats<Type>, grid, kWarps * 32, 0, stream, call, outStride, add);
    }
}

} // namespace

template <int Tokens>
void launchProduct(TensorType type, const TileCall<Tokens>& call, int outStride, bool add, cudaStream_t stream) {
    switch (type) {
    case TensorType::F32:
        return run<TensorType::F32>(call, outStride, add, stream);
    case TensorType::F16:
        return run<TensorType::F16>(call, outStride, add, stream);
    case TensorType::BF16:
        return run<TensorType::BF16>(call, outStride, add, stream);
    case TensorType::Q8_0:
        return run<TensorType::Q8_0>(call, outStride, add, stream);
    case TensorType::Q4_0:
        return run<TensorType::Q4_0>(call, outStride, add, stream);
    default:
        return; // checked() refuses the others
    }
}
template void launchProduct(TensorType, const TileCall<1>&, int, bool, cudaStream_t);
template void launchProduct(TensorType, const TileCall<kTileTokens>&, int, bool, cudaStream_t);

} // namespace moescope::backend::cuda

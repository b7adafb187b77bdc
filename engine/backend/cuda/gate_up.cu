#include "engine/backend/cuda/choose.cuh"
#include "engine/backend/cuda/digit_tiles.cuh"
#include "engine/backend/cuda/gpu_error.h"
#include "engine/backend/cuda/kernels.h"
#include "engine/backend/cuda/row_ring.cuh"
#include "engine/backend/cuda/swiglu.h"

#include <algorithm>
#include <stdexcept>

namespace moescope::backend::cuda {
namespace {

using model::TensorType;

constexpr int kWarps = 8;
constexpr int kPairRows = 2; // rows of gate, and as many of up, that a warp takes at once

// For one token: what a block needs to compute 32 inner columns with one set per warp.
constexpr int kOneWarps = kBlockColumns / kPairRows;
constexpr int kStages = 2;

/// One token. As many blocks as the GPU holds, which go through groups of 32 inner columns and quantise each.
template <TensorType Type>
__global__ void __launch_bounds__(kOneWarps * 32) gateUpOfOne(const __grid_constant__ TileCall<1> call, std::size_t upOffset,
                                                              const ActivationView inner, const ChooseCall chooses) {
    using Ring = RowRing<Type, 2 * kPairRows, kPairRows, kStages>;
    extern __shared__ __align__(16) std::byte rings[];
    __shared__ Choice choice;
    __shared__ float results[2][kBlockColumns]; // in turn, so that one can be stored while the next is computed
    const int warp = static_cast<int>(threadIdx.x) / 32;
    const int groups = call.mostRows / kBlockColumns;
    letNextBegin();
    const bool known = chooses.logits == nullptr;
    if (!known) {
        awaitEarlier();
        if (warp == 0)
            chooseExperts(chooses, blockIdx.x == 0, choice);
        __syncthreads();
    }
    const auto setAt = [&](int group) {
        const int row = group % groups * kBlockColumns + warp * kPairRows;
        return RowSet{matrixOf(call, group / groups, known ? nullptr : choice.slots) + call.rowBytes * row, kPairRows,
                      call.pair[call.tile[group / groups].firstPair].in};
    };
    int turn = 0;
    const auto finish = [&](int group, const float(&sums)[2 * kPairRows]) {
        const int lane = static_cast<int>(threadIdx.x) % 32;
        if (lane == 0)
#pragma unroll
            for (int row = 0; row < kPairRows; ++row)
                results[turn % 2][warp * kPairRows + row] = swiGlu(sums[row], sums[kPairRows + row]);
        __syncthreads();
        if (turn % kOneWarps == warp)
            storeActivation(inner, call.pair[call.tile[group / groups].firstPair].out, group % groups * kBlockColumns + lane,
                            results[turn % 2][lane]);
        ++turn;
    };
    Ring(rings + warp * Ring::kBytes, call.input.columns, call.rowBytes, upOffset)
        .run(static_cast<int>(blockIdx.x), groups * call.tiles, static_cast<int>(gridDim.x), known, call.input, setAt, finish);
}

/// Several tokens per tile, weights that are floats; blockIdx.z takes kTogether of the tokens. A block computes 32 inner
/// columns, so that it can quantise what it computed.
template <TensorType Type>
__global__ void __launch_bounds__(kWarps * 32)
    gateUpOfFloats(const __grid_constant__ TileCall<kTileTokens> call, std::size_t upOffset, const ActivationView inner) {
    __shared__ float results[kTogether][kBlockColumns];
    letNextBegin();
    awaitEarlier();
    const Tile tile = call.tile[blockIdx.y];
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int warp = static_cast<int>(threadIdx.x) / 32;
    const int begin = static_cast<int>(blockIdx.x) * kBlockColumns;
    const int firstToken = static_cast<int>(blockIdx.z) * kTogether;
    const int tokens = min(kTogether, tile.tokens - firstToken);
    if (tokens <= 0)
        return;
    const RowPair* pairs = call.pair + tile.firstPair + firstToken;
    int inputs[kTogether];
    for (int token = 0; token < kTogether; ++token)
        inputs[token] = pairs[min(token, tokens - 1)].in;
#pragma unroll 1
    for (int at = warp * kPairRows; at < kBlockColumns; at += kWarps * kPairRows) {
        const std::byte* rows[2 * kPairRows];
        for (int row = 0; row < kPairRows; ++row) {
            rows[row] = tile.matrix + call.rowBytes * (begin + at + row);
            rows[kPairRows + row] = rows[row] + upOffset;
        }
        float sums[2 * kPairRows][kTogether] = {};
        rowDots<Type>(rows, call.input, inputs, tokens, sums);
        if (lane == 0)
            for (int token = 0; token < kTogether; ++token)
                for (int row = 0; row < kPairRows; ++row)
                    results[token][at + row] = swiGlu(sums[row][token], sums[kPairRows + row][token]);
    }
    __syncthreads();
    for (int token = warp; token < tokens; token += kWarps)
        storeActivation(inner, pairs[token].out, begin + lane, results[token][lane]);
}

/// Several tokens per tile, quantised weights. A block computes 64 inner columns: half of its rows are gate's, half up's.
template <TensorType Type>
__global__ void __launch_bounds__(DigitTile<Type>::kThreads, 2)
    gateUpOfDigits(const __grid_constant__ TileCall<kTileTokens> call, std::size_t upOffset, const ActivationView inner) {
    using Digits = DigitTile<Type>;
    constexpr int kColumns = Digits::kRows / 2;
    extern __shared__ __align__(16) std::byte stages[];
    __shared__ float results[kTileTokens][Digits::kRows];
    letNextBegin();
    awaitEarlier();
    const Tile tile = call.tile[blockIdx.x];
    const RowPair* pairs = call.pair + tile.firstPair;
    const int thread = static_cast<int>(threadIdx.x);
    const int begin = static_cast<int>(blockIdx.y) * kColumns;
    const int mine = min(begin + Digits::copiedRow() % kColumns, tile.rows - 1);
    typename Digits::Sums sums = {};
    Digits(stages, call.input, tile.matrix + call.rowBytes * mine + (Digits::copiedRow() < kColumns ? 0 : upOffset),
           pairs[min(Digits::copiedToken(), tile.tokens - 1)].in)
        .run(sums);
#pragma unroll
    for (int group = 0; group < Digits::kGroups; ++group)
#pragma unroll
        for (int i = 0; i < 4; ++i)
            results[group * 8 + thread % 4 * 2 + i % 2][thread / 32 * 16 + thread % 32 / 4 + i / 2 * 8] = sums[group][i];
    __syncthreads();
    const int lane = thread % 32;
    for (int at = thread / 32; at < tile.tokens * 2; at += Digits::kThreads / 32) {
        const float* result = results[at / 2];
        const int column = at % 2 * kBlockColumns + lane;
        if (begin + column < tile.rows)
            storeActivation(inner, pairs[at / 2].out, begin + column, swiGlu(result[column], result[kColumns + column]));
    }
}

template <TensorType Type>
void run(const TileCall<1>& call, std::size_t upOffset, const ActivationView& inner, cudaStream_t stream,
         const ChooseCall& choice) {
    constexpr int kShared = kOneWarps * RowRing<Type, 2 * kPairRows, kPairRows, kStages>::kBytes;
    static const int kMostBlocks = residentBlocks(gateUpOfOne<Type>, kOneWarps * 32, kShared);
    const int blocks = std::min(call.mostRows / kBlockColumns * call.tiles, kMostBlocks);
    launch("gateUpOfOne", gateUpOfOne<Type>, static_cast<unsigned>(blocks), kOneWarps * 32, kShared, stream, call, upOffset,
           inner, choice);
}

template <TensorType Type>
void run(const TileCall<kTileTokens>& call, std::size_t upOffset, const ActivationView& inner, cudaStream_t stream,
         const ChooseCall&) {
    const auto tiles = static_cast<unsigned>(call.tiles);
    if constexpr (isQuantised(Type)) {
        using Digits = DigitTile<Type>;
        constexpr int kColumns = Digits::kRows / 2;
        const std::size_t shared = Digits::sharedBytes(call.input.columns);
        allowShared(gateUpOfDigits<Type>, shared);
        const dim3 grid(tiles, static_cast<unsigned>((call.mostRows + kColumns - 1) / kColumns));
        launch("gateUpOfDigits", gateUpOfDigits<Type>, grid, Digits::kThreads, shared, stream, call, upOffset, inner);
    } else {
        const dim3 grid(static_cast<unsigned>(call.mostRows / kBlockColumns), tiles, kTileTokens / kTogether);
        launch("gateUpOfFloats", gateUpOfFloats<Type>, grid, kWarps * 32, 0, stream, call, upOffset, inner);
    }
}

} // namespace

template <int Tokens>
void launchGateUp(TensorType type, const TileCall<Tokens>& call, std::size_t upOffset, const ActivationView& inner,
                  cudaStream_t stream, const ChooseCall& choice) {
    if (choice.experts > kMostExperts || choice.topK > kFewWeights || choice.topK > choice.experts)
        throw std::logic_error("The CUDA backend chooses among 1024 experts at most.");
    switch (type) {
    case TensorType::F32:
        return run<TensorType::F32>(call, upOffset, inner, stream, choice);
    case TensorType::F16:
        return run<TensorType::F16>(call, upOffset, inner, stream, choice);
    case TensorType::BF16:
        return run<TensorType::BF16>(call, upOffset, inner, stream, choice);
    case TensorType::Q8_0:
        return run<TensorType::Q8_0>(call, upOffset, inner, stream, choice);
    case TensorType::Q4_0:
        return run<TensorType::Q4_0>(call, upOffset, inner, stream, choice);
    default:
        return; // checked() refuses the others
    }
}
template void launchGateUp(TensorType, const TileCall<1>&, std::size_t, const ActivationView&, cudaStream_t, const ChooseCall&);
template void launchGateUp(TensorType, const TileCall<kTileTokens>&, std::size_t, const ActivationView&, cudaStream_t,
                           const ChooseCall&);

} // namespace moescope::backend::cuda

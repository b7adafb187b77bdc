#include "engine/backend/cuda/gpu_error.h"
#include "engine/backend/cuda/kernels.h"
#include "engine/backend/cuda/row_dots.cuh"

namespace moescope::backend::cuda {
namespace {

using model::TensorType;

constexpr int kWarps = 8;
constexpr int kPairRows = 2; // rows of gate, and as many of up, that a warp takes at once

__device__ float swiGlu(float gate, float up) {
    return gate / __fadd_rn(1.0F, expf(-gate)) * up;
}

/// A block computes 32 inner columns, so that it can quantise what it computed.
template <TensorType Type, int Tokens>
__global__ void __launch_bounds__(kWarps * 32)
    gateUp(const __grid_constant__ TileCall<Tokens> call, std::size_t upOffset, const ActivationView inner) {
    __shared__ float results[Tokens][kBlockColumns];
    const Tile tile = call.tile[blockIdx.y];
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int warp = static_cast<int>(threadIdx.x) / 32;
    const int begin = static_cast<int>(blockIdx.x) * kBlockColumns;
    int inputs[Tokens];
    for (int token = 0; token < Tokens; ++token)
        inputs[token] = call.pair[tile.firstPair + min(token, tile.tokens - 1)].in;
#pragma unroll 1
    for (int at = warp * kPairRows; at < kBlockColumns; at += kWarps * kPairRows) {
        const std::byte* rows[2 * kPairRows];
        for (int row = 0; row < kPairRows; ++row) {
            rows[row] = tile.matrix + call.rowBytes * (begin + at + row);
            rows[kPairRows + row] = rows[row] + upOffset;
        }
        float sums[2 * kPairRows][Tokens] = {};
        rowDots<Type>(rows, call.input, inputs, tile.tokens, sums);
        if (lane == 0)
            for (int token = 0; token < Tokens; ++token)
                for (int row = 0; row < kPairRows; ++row)
                    results[token][at + row] = swiGlu(sums[row][token], sums[kPairRows + row][token]);
    }
    __syncthreads();
    for (int token = warp; token < tile.tokens; token += kWarps)
        storeActivation(inner, call.pair[tile.firstPair + token].out, begin + lane, results[token][lane]);
}

template <TensorType Type, int Tokens>
void launch(const TileCall<Tokens>& call, std::size_t upOffset, const ActivationView& inner, cudaStream_t stream) {
    const dim3 grid(static_cast<unsigned>(call.mostRows / kBlockColumns), static_cast<unsigned>(call.tiles));
    gateUp<Type, Tokens><<<grid, kWarps * 32, 0, stream>>>(call, upOffset, inner);
    checkLaunch("gateUp");
}

} // namespace

template <int Tokens>
void launchGateUp(TensorType type, const TileCall<Tokens>& call, std::size_t upOffset, const ActivationView& inner,
                  cudaStream_t stream) {
    switch (type) {
    case TensorType::F32:
        return launch<TensorType::F32>(call, upOffset, inner, stream);
    case TensorType::F16:
        return launch<TensorType::F16>(call, upOffset, inner, stream);
    case TensorType::BF16:
        return launch<TensorType::BF16>(call, upOffset, inner, stream);
    case TensorType::Q8_0:
        return launch<TensorType::Q8_0>(call, upOffset, inner, stream);
    case TensorType::Q4_0:
        return launch<TensorType::Q4_0>(call, upOffset, inner, stream);
    }
}
template void launchGateUp(TensorType, const TileCall<1>&, std::size_t, const ActivationView&, cudaStream_t);
template void launchGateUp(TensorType, const TileCall<kTileTokens>&, std::size_t, const ActivationView&, cudaStream_t);

} // namespace moescope::backend::cuda

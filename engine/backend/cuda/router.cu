#include "engine/backend/cuda/gpu_error.h"
#include "engine/backend/cuda/kernels.h"
#include "engine/backend/cuda/row_dots.cuh"

namespace moescope::backend::cuda {
namespace {

using model::TensorType;

constexpr int kThreads = 256;

/// A block per row: a router has few rows, and every other stage of the layer waits for them.
template <TensorType Type, int Tokens>
__global__ void __launch_bounds__(kThreads) route(const __grid_constant__ TileCall<Tokens> call, int outStride) {
    __shared__ float partial[kThreads / 32][Tokens];
    const Tile tile = call.tile[blockIdx.y];
    const int row = static_cast<int>(blockIdx.x);
    if (row >= tile.rows)
        return;
    const std::byte* const rows[1] = {tile.matrix + call.rowBytes * row};
    int inputs[Tokens];
    for (int token = 0; token < Tokens; ++token)
        inputs[token] = call.pair[tile.firstPair + min(token, tile.tokens - 1)].in;
    float sums[1][Tokens] = {};
    addParts<Type, kThreads>(rows, call.input, inputs, tile.tokens, sums);
    if (threadIdx.x % 32 == 0)
#pragma unroll
        for (int token = 0; token < Tokens; ++token)
            partial[threadIdx.x / 32][token] = sums[0][token];
    __syncthreads();
    const int token = static_cast<int>(threadIdx.x);
    if (token >= tile.tokens)
        return;
    float sum = 0;
    for (const auto& part : partial)
        sum = __fadd_rn(sum, part[token]);
    tile.out[static_cast<std::size_t>(call.pair[tile.firstPair + token].out) * outStride + row] = sum;
}

template <TensorType Type, int Tokens>
void launch(const TileCall<Tokens>& call, int outStride, cudaStream_t stream) {
    const dim3 grid(static_cast<unsigned>(call.mostRows), static_cast<unsigned>(call.tiles));
    route<Type, Tokens><<<grid, kThreads, 0, stream>>>(call, outStride);
    checkLaunch("route");
}

} // namespace

template <int Tokens>
void launchRouter(TensorType type, const TileCall<Tokens>& call, int outStride, cudaStream_t stream) {
    switch (type) {
    case TensorType::F32:
        return launch<TensorType::F32>(call, outStride, stream);
    case TensorType::F16:
        return launch<TensorType::F16>(call, outStride, stream);
    case TensorType::BF16:
        return launch<TensorType::BF16>(call, outStride, stream);
    case TensorType::Q8_0:
    case TensorType::Q4_0:
        return launchProduct(type, call, outStride, false, stream);
    }
}
template void launchRouter(TensorType, const TileCall<1>&, int, cudaStream_t);
template void launchRouter(TensorType, const TileCall<kTileTokens>&, int, cudaStream_t);

} // namespace moescope::backend::cuda

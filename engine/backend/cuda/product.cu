#include "engine/backend/cuda/gpu_error.h"
#include "engine/backend/cuda/kernels.h"
#include "engine/backend/cuda/row_dots.cuh"

namespace moescope::backend::cuda {
namespace {

using model::TensorType;

constexpr int kWarps = 8;
constexpr int kWarpRows = 2;

template <TensorType Type, int Tokens>
__global__ void __launch_bounds__(kWarps * 32) product(const __grid_constant__ TileCall<Tokens> call, int outStride, bool add) {
    const Tile tile = call.tile[blockIdx.y];
    const int first = (static_cast<int>(blockIdx.x) * kWarps + static_cast<int>(threadIdx.x) / 32) * kWarpRows;
    if (first >= tile.rows)
        return;
    const std::byte* rows[kWarpRows];
    for (int row = 0; row < kWarpRows; ++row)
        rows[row] = tile.matrix + call.rowBytes * min(first + row, tile.rows - 1);
    int inputs[Tokens];
    for (int token = 0; token < Tokens; ++token)
        inputs[token] = call.pair[tile.firstPair + min(token, tile.tokens - 1)].in;
    float sums[kWarpRows][Tokens] = {};
    rowDots<Type>(rows, call.input, inputs, tile.tokens, sums);
    if (threadIdx.x % 32 != 0)
        return;
#pragma unroll
    for (int token = 0; token < Tokens; ++token) {
        if (token >= tile.tokens)
            continue;
        float* out = tile.out + static_cast<std::size_t>(call.pair[tile.firstPair + token].out) * outStride + first;
#pragma unroll
        for (int row = 0; row < kWarpRows; ++row)
            if (first + row < tile.rows)
                out[row] = add ? out[row] + sums[row][token] : sums[row][token];
    }
}

template <TensorType Type, int Tokens>
void launch(const TileCall<Tokens>& call, int outStride, bool add, cudaStream_t stream) {
    constexpr int kBlockRows = kWarps * kWarpRows;
    const dim3 grid(static_cast<unsigned>((call.mostRows + kBlockRows - 1) / kBlockRows), static_cast<unsigned>(call.tiles));
    product<Type, Tokens><<<grid, kWarps * 32, 0, stream>>>(call, outStride, add);
    checkLaunch("product");
}

} // namespace

template <int Tokens>
void launchProduct(TensorType type, const TileCall<Tokens>& call, int outStride, bool add, cudaStream_t stream) {
    switch (type) {
    case TensorType::F32:
        return launch<TensorType::F32>(call, outStride, add, stream);
    case TensorType::F16:
        return launch<TensorType::F16>(call, outStride, add, stream);
    case TensorType::BF16:
        return launch<TensorType::BF16>(call, outStride, add, stream);
    case TensorType::Q8_0:
        return launch<TensorType::Q8_0>(call, outStride, add, stream);
    case TensorType::Q4_0:
        return launch<TensorType::Q4_0>(call, outStride, add, stream);
    }
}
template void launchProduct(TensorType, const TileCall<1>&, int, bool, cudaStream_t);
template void launchProduct(TensorType, const TileCall<kTileTokens>&, int, bool, cudaStream_t);

} // namespace moescope::backend::cuda

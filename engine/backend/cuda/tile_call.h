#pragma once
// What a product kernel is asked, by value in its parameters: no descriptor has to be copied, kept or waited for.
#include "engine/backend/cuda/weight_rows.h"

#include <cstdint>

namespace moescope::backend::cuda {

/// The two digits of an activation, see kDigitBase of the CPU backend: value = (255 * high + low) * scale.
struct BlockScale {
    float scale;
    std::int32_t sum; ///< of the block's integers
};

/// [rows] of `columns` activations in both forms that kernels read.
struct ActivationView {
    float* values = nullptr; ///< [rows][columns]
    /// [rows][high, low][first, second half of a block][columns / 32][16], so that a warp's lanes read neighbouring bytes.
    std::int8_t* digits = nullptr;
    BlockScale* blocks = nullptr; ///< [rows][columns / 32]
    int columns = 0;
};

/// One token's way through a matrix: the row of the input and the row of the output.
struct RowPair {
    std::uint16_t in = 0;
    std::uint16_t out = 0;
};

/// A matrix and up to `Tokens` tokens that go through it together, so that its weights are read once for them.
struct Tile {
    const std::byte* matrix = nullptr;
    float* out = nullptr;
    std::int32_t rows = 0;
    std::uint16_t firstPair = 0;
    std::uint16_t tokens = 0;
};

/// Tokens is 1 (decode) or 32 (several tokens); one token's result is the same bits in either.
template <int Tokens>
struct TileCall {
    static constexpr int kMostTiles = Tokens == 1 ? 16 : 96;
    static constexpr int kMostPairs = Tokens == 1 ? 16 : 256;
    ActivationView input;
    std::size_t rowBytes = 0;
    int tiles = 0;
    int mostRows = 0; ///< of any tile's matrix
    /// If set, the device chose: tile t's matrix lies chosen[t] * slotBytes behind the one that it names.
    const std::int32_t* chosen = nullptr;
    std::size_t slotBytes = 0;
    Tile tile[kMostTiles];
    RowPair pair[kMostPairs];
};
inline constexpr int kTileTokens = 32;
/// Tokens that a warp takes through weights together where tensor cores do not.
inline constexpr int kTogether = 8;

} // namespace moescope::backend::cuda

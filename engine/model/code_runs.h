#pragma once
#include "engine/model/tensor_type.h"

#include <array>

namespace moescope::model {

inline constexpr int kRunColumns = 16;
inline constexpr int kMostRuns = 16; ///< of one block of any type

/// What all quantised formats come down to: 16 neighbouring weights, value = scale * code + offset. The product is exact in
/// float, so a value is rounded once.
struct CodeRun {
    float scale = 0;
    float offset = -0.0F; ///< where a format has none: -0, which changes no sum, not even one of -0
    std::array<std::int8_t, kRunColumns> codes{};
};

/// Splits one block (typeTraits(type).blockBytes) of a quantised type into its blockElements / 16 runs, in the order of the
/// columns. Layouts: ggml-common.h, block_q4_0 to block_mxfp4.
void splitBlock(TensorType type, const std::byte* block, std::span<CodeRun> runs);

/// The scales of Q4_K and Q5_K: twelve bytes hold eight pairs of six bits.
struct ScaleAndLeast {
    std::uint8_t scale = 0; ///< of block_q4_K's d
    std::uint8_t least = 0; ///< of its dmin
};
ScaleAndLeast scaleAndLeast(const std::byte* twelve, int part);

/// Of IQ4_NL and IQ4_XS.
inline constexpr std::array<std::int8_t, 16> kUnevenCodes{-127, -104, -83, -65, -49, -35, -22, -10,
                                                          1,    13,   25,  38,  53,  69,  89,  113};
/// Of MXFP4 (OCP Microscaling Formats 1.0, E2M1), doubled so that they are whole.
inline constexpr std::array<std::int8_t, 16> kDoubledE2M1{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
/// Half of what a shared exponent (E8M0) stands for: 2^(exponent - 128), and not a number for 255.
float halfOfE8M0(std::uint8_t exponent);

} // namespace moescope::model

#pragma once
// How groups of 16 rows of Q4_K, Q5_K and Q6_K lie in the fast tier: [super-block of 256 columns][bytes], then the
// half-precision scales as [super-block][halves][16 rows]. A quad is four columns of 16 rows, 64 bytes; what a format packs
// into the same bytes stays together, so that packing moves whole quads and needs no shifts. Small whole scales are a byte
// each.
//
// A product takes a super-block in steps; a step reads two runs of columns that share their bytes, the lower bits first.
#include "engine/model/tensor_type.h"

#include <cstddef>
#include <cstdint>

namespace moescope::backend {

inline constexpr int kSuperColumns = 256;
inline constexpr std::ptrdiff_t kQuadBytes = 64; ///< of 16 rows

/// [32 quads of nibbles][8 scales][8 leasts], value = d * scale * code - dmin * least. Quad 8s + q: columns 64s + 4q ... and
/// those 32 further on.
struct Q4KLayout {
    static constexpr model::TensorType kType = model::TensorType::Q4_K;
    static constexpr int kRun = 32;
    static constexpr int kSteps = 4;
    static constexpr int kHalves = 2;
    static constexpr int kZero = 0; ///< code that means 0
    static constexpr std::ptrdiff_t kScales = 32 * kQuadBytes;
    static constexpr std::ptrdiff_t kLeasts = kScales + std::ptrdiff_t{8} * 16;
    static constexpr std::ptrdiff_t kBytes = kLeasts + std::ptrdiff_t{8} * 16;
    static constexpr int firstRun(int step) { return 2 * step; }
    static constexpr int secondRun(int step) { return 2 * step + 1; }
};

/// As Q4_K, with [8 quads of fifth bits] after the nibbles: bit j of a byte belongs to run j.
struct Q5KLayout {
    static constexpr model::TensorType kType = model::TensorType::Q5_K;
    static constexpr int kRun = 32;
    static constexpr int kSteps = 4;
    static constexpr int kHalves = 2;
    static constexpr int kZero = 0;
    static constexpr std::ptrdiff_t kHighs = 32 * kQuadBytes;
    static constexpr std::ptrdiff_t kScales = kHighs + 8 * kQuadBytes;
    static constexpr std::ptrdiff_t kLeasts = kScales + std::ptrdiff_t{8} * 16;
    static constexpr std::ptrdiff_t kBytes = kLeasts + std::ptrdiff_t{8} * 16;
    static constexpr int firstRun(int step) { return 2 * step; }
    static constexpr int secondRun(int step) { return 2 * step + 1; }
};

/// [32 quads of low nibbles][16 quads of high pairs of bits][16 signed scales], value = d * scale * (code - 32). Runs of 16
/// columns. Step 4n + 2p + h: half n of the super-block, its parts p and p + 2 of 32 columns, their half h.
struct Q6KLayout {
    static constexpr model::TensorType kType = model::TensorType::Q6_K;
    static constexpr int kRun = 16;
    static constexpr int kSteps = 8;
    static constexpr int kHalves = 1;
    static constexpr int kZero = 32;
    static constexpr std::ptrdiff_t kHighs = 32 * kQuadBytes;
    static constexpr std::ptrdiff_t kScales = kHighs + 16 * kQuadBytes;
    static constexpr std::ptrdiff_t kBytes = kScales + std::ptrdiff_t{16} * 16;
    static constexpr int firstRun(int step) { return step / 4 * 8 + step % 4; }
    static constexpr int secondRun(int step) { return firstRun(step) + 4; }
    /// Where a step's quads begin.
    static constexpr int lowQuad(int step) { return 4 * step; }
    static constexpr int highQuad(int step) { return step / 4 * 8 + step % 2 * 4; }
    static constexpr int part(int step) { return step / 2 % 2; }
};

/// Bytes of a packed group.
std::size_t groupBytesOfKQuant(model::TensorType type, int columns);
/// One row of the file into its lane of a group.
void packKQuantRow(model::TensorType type, const std::byte* row, int lane, int columns, std::byte* out);

} // namespace moescope::backend

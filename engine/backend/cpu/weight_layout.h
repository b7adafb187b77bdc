#pragma once
// How the fast tier stores a matrix: groups of 16 rows, so that a product streams through memory once and every row has its
// own vector lane (no sum across lanes, hence one fixed order of additions on every machine).
//
// Group of a matrix in blocks of 32 columns: for each block the quants of 16 rows, then all scales as [block][16].
//   Q8_0: [block][8 quads][16 rows][4 columns] bytes, each value + 128, so that the weight is the unsigned operand. Scales are
//         binary16.
//   Q4_0: [block][4 quads][16 rows][4 columns] bytes; low nibble column c of the quad, high nibble column c + 16.
//   MXFP4: as Q4_0; scales are the format's exponents, a byte each.
// Group of a Q4_K, Q5_K or Q6_K matrix: k_quant_layout.h.
// Group of any other quantised matrix: [run of 16 columns], each [4 quads][16 rows][4 columns] codes + 128, 16 scales and 16
//   offsets as floats (model::CodeRun). Nothing is lost: the value is the format's own, and its sums are exact integers as
//   everywhere else. At 12 bits a weight it is as near to the file's size as one layout for all can be.
// Group of a float matrix (F32, F16, BF16): [column][16 rows].
// Rows beyond the matrix are zero. Groups are padded to 64 bytes.
#include "engine/model/tensor_type.h"

#include <cstddef>
#include <cstdint>

namespace moescope::backend {

inline constexpr int kGroupRows = 16;
inline constexpr int kBlockColumns = 32;
inline constexpr std::size_t kCacheLine = 64;

constexpr std::size_t roundUp(std::size_t value, std::size_t unit) {
    return (value + unit - 1) / unit * unit;
}

/// Who multiplies a type's groups.
enum class Layout { Floats, Q8, Q4, Mxfp4, Q4K, Q5K, Q6K, Runs };
Layout layoutOf(model::TensorType type);

/// The parts of a run of 16 columns and 16 rows in Layout::Runs.
inline constexpr std::ptrdiff_t kRunScales = 256;
inline constexpr std::ptrdiff_t kRunOffsets = kRunScales + 64;
inline constexpr std::ptrdiff_t kRunBytes = kRunOffsets + 64;

/// Bytes of one packed group. columns must be a multiple of 32, and of the type's block.
std::size_t groupBytes(model::TensorType type, int columns);

/// Packs up to 16 rows, each rowBytes apart in the file's format, into out (groupBytes, 64-byte aligned).
void packGroup(model::TensorType type, const std::byte* rows, std::int64_t rowBytes, int rowCount, int columns, std::byte* out);

/// A packed matrix somewhere in memory: a view, cheap to copy.
struct PackedMatrix {
    model::TensorType type = model::TensorType::F32;
    int rows = 0;
    int columns = 0;
    std::size_t stride = 0; ///< bytes from one group to the next; at least groupBytes
    const std::byte* data = nullptr;

    int groups() const { return (rows + kGroupRows - 1) / kGroupRows; }
    const std::byte* group(int index) const { return data + static_cast<std::size_t>(index) * stride; }
};

} // namespace moescope::backend

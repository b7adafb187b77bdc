#pragma once
// How the GPU and its host tier store a matrix: row after row, so that any run of rows is one contiguous copy and every load
// of a warp is 16 bytes per lane.
//
// Row of a quantised matrix: the quants of all its blocks of 32 columns, then their binary16 scales.
//   Q8_0: [columns] signed bytes.
//   Q4_0: [columns / 2] bytes; of each 16 bytes, low nibbles are columns 0-15 of the block and high nibbles 16-31, as in GGUF.
// Row of a float matrix (F32, F16, BF16): [columns], as in the file.
// Rows are padded to 16 bytes.
#include "engine/model/tensor_type.h"

#include <cstddef>
#include <cstdint>

namespace moescope::backend::cuda {

inline constexpr int kBlockColumns = 32;

/// A matrix in device memory: a view, cheap to copy.
struct DeviceMatrix {
    model::TensorType type = model::TensorType::F32;
    int rows = 0;
    int columns = 0;
    std::size_t rowBytes = 0; ///< padding counted
    const std::byte* data = nullptr;
    std::size_t bytes() const { return rowBytes * static_cast<std::size_t>(rows); }
};

/// Bytes of one stored row. columns must be a multiple of 32.
std::size_t rowBytes(model::TensorType type, int columns);
/// Stores `rows` rows of the file's format, which lie one after the other, at out.
void packRows(model::TensorType type, const std::byte* source, int rows, int columns, std::byte* out);

} // namespace moescope::backend::cuda

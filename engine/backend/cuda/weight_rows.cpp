#include "engine/backend/cuda/weight_rows.h"

#include <cstring>

namespace moescope::backend::cuda {
namespace {

using model::TensorType;

constexpr std::size_t kScaleBytes = 2;
constexpr std::size_t kRowUnit = 16;

bool isQuantised(TensorType type) {
    return type == TensorType::Q8_0 || type == TensorType::Q4_0;
}

std::size_t fileRowBytes(TensorType type, int columns) {
    const model::TypeTraits& traits = model::typeTraits(type);
    return static_cast<std::size_t>(columns / traits.blockElements) * static_cast<std::size_t>(traits.blockBytes);
}

void packQuantisedRow(TensorType type, const std::byte* source, std::size_t blocks, std::byte* out) {
    const auto fileBlock = static_cast<std::size_t>(model::typeTraits(type).blockBytes);
    const std::size_t quants = fileBlock - kScaleBytes;
    std::byte* scales = out + blocks * quants;
    for (std::size_t block = 0; block < blocks; ++block, source += fileBlock) {
        std::memcpy(scales + block * kScaleBytes, source, kScaleBytes);
        std::memcpy(out + block * quants, source + kScaleBytes, quants);
    }
}

} // namespace

std::size_t rowBytes(TensorType type, int columns) {
    return (fileRowBytes(type, columns) + kRowUnit - 1) / kRowUnit * kRowUnit;
}

void packRows(TensorType type, const std::byte* source, int rows, int columns, std::byte* out) {
    const std::size_t from = fileRowBytes(type, columns);
    const std::size_t to = rowBytes(type, columns);
    for (int row = 0; row < rows; ++row, source += from, out += to) {
        if (isQuantised(type))
            packQuantisedRow(type, source, static_cast<std::size_t>(columns / kBlockColumns), out);
        else
            std::memcpy(out, source, from);
        std::memset(out + from, 0, to - from);
    }
}

} // namespace moescope::backend::cuda

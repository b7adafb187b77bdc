#include "engine/backend/cpu/weight_layout.h"

#include <cstring>

namespace moescope::backend {
namespace {

using model::TensorType;

constexpr std::size_t kScaleBytes = 2;
constexpr std::size_t kQuadBytes = 4;
constexpr std::size_t kQuadRowBytes = kQuadBytes * kGroupRows;

std::size_t quantBytesPerBlock(TensorType type) {
    return type == TensorType::Q8_0 ? std::size_t{kBlockColumns} * kGroupRows : std::size_t{kBlockColumns} * kGroupRows / 2;
}

void packQ8Block(const std::byte* quants, std::byte* out) {
    for (std::size_t quad = 0; quad < kBlockColumns / kQuadBytes; ++quad) {
        std::uint32_t four = 0;
        std::memcpy(&four, quants + quad * kQuadBytes, sizeof four);
        four ^= 0x80808080U; // signed value + 128, per byte
        std::memcpy(out + quad * kQuadRowBytes, &four, sizeof four);
    }
}

void packQ4Block(const std::byte* quants, std::byte* out) {
    // GGUF keeps columns c and c + 16 in byte c: already the pairing that the layout wants.
    for (std::size_t quad = 0; quad < kBlockColumns / 2 / kQuadBytes; ++quad)
        std::memcpy(out + quad * kQuadRowBytes, quants + quad * kQuadBytes, kQuadBytes);
}

void packQuantised(TensorType type, const std::byte* rows, std::int64_t rowBytes, int rowCount, int columns, std::byte* out) {
    const auto blocks = static_cast<std::size_t>(columns / kBlockColumns);
    const std::size_t perBlock = quantBytesPerBlock(type);
    const auto fileBlock = static_cast<std::size_t>(model::typeTraits(type).blockBytes);
    std::byte* scales = out + blocks * perBlock;
    for (int row = 0; row < rowCount; ++row) {
        const std::byte* source = rows + row * rowBytes;
        for (std::size_t block = 0; block < blocks; ++block, source += fileBlock) {
            const auto lane = static_cast<std::size_t>(row);
            std::memcpy(scales + (block * kGroupRows + lane) * kScaleBytes, source, kScaleBytes);
            std::byte* target = out + block * perBlock + lane * kQuadBytes;
            if (type == TensorType::Q8_0)
                packQ8Block(source + kScaleBytes, target);
            else
                packQ4Block(source + kScaleBytes, target);
        }
    }
}

void packFloats(std::size_t element, const std::byte* rows, std::int64_t rowBytes, int rowCount, int columns, std::byte* out) {
    for (int row = 0; row < rowCount; ++row) {
        const std::byte* source = rows + row * rowBytes;
        std::byte* target = out + static_cast<std::size_t>(row) * element;
        for (int column = 0; column < columns; ++column, source += element, target += element * kGroupRows)
            std::memcpy(target, source, element);
    }
}

} // namespace

bool isQuantised(TensorType type) {
    return type == TensorType::Q8_0 || type == TensorType::Q4_0;
}

std::size_t groupBytes(TensorType type, int columns) {
    const auto width = static_cast<std::size_t>(columns);
    if (!isQuantised(type))
        return roundUp(width * kGroupRows * static_cast<std::size_t>(model::typeTraits(type).blockBytes), kCacheLine);
    const std::size_t blocks = width / kBlockColumns;
    return roundUp(blocks * (quantBytesPerBlock(type) + kGroupRows * kScaleBytes), kCacheLine);
}

void packGroup(TensorType type, const std::byte* rows, std::int64_t rowBytes, int rowCount, int columns, std::byte* out) {
    if (rowCount < kGroupRows)
        std::memset(out, 0, groupBytes(type, columns));
    if (isQuantised(type))
        packQuantised(type, rows, rowBytes, rowCount, columns, out);
    else
        packFloats(static_cast<std::size_t>(model::typeTraits(type).blockBytes), rows, rowBytes, rowCount, columns, out);
}

} // namespace moescope::backend

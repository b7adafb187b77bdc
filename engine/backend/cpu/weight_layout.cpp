#include "engine/backend/cpu/weight_layout.h"

#include "engine/backend/cpu/k_quant_layout.h"
#include "engine/model/code_runs.h"

#include <array>
#include <cstring>

namespace moescope::backend {
namespace {

using model::TensorType;

constexpr std::uint32_t kSignBits = 0x80808080U; ///< signed value + 128, per byte

/// Of the formats in blocks of 32: how a block begins, and what follows.
struct BlockShape {
    std::size_t scale = 2;  ///< bytes
    std::size_t quants = 0; ///< bytes
};

BlockShape shapeOf(Layout layout) {
    if (layout == Layout::Q8)
        return {2, kBlockColumns};
    return {layout == Layout::Mxfp4 ? 1U : 2U, kBlockColumns / 2};
}

/// GGUF keeps columns c and c + 16 of a nibble format in byte c: already the pairing that the layout wants.
void packQuads(const std::byte* quants, std::size_t quads, std::uint32_t flip, std::byte* out) {
    for (std::size_t quad = 0; quad < quads; ++quad, out += kQuadBytes) {
        std::uint32_t four = 0;
        std::memcpy(&four, quants + quad * sizeof four, sizeof four);
        four ^= flip;
        std::memcpy(out, &four, sizeof four);
    }
}

void packBlocks(Layout layout, const std::byte* row, std::size_t lane, int columns, std::byte* out) {
    const BlockShape shape = shapeOf(layout);
    const auto blocks = static_cast<std::size_t>(columns / kBlockColumns);
    std::byte* scales = out + blocks * shape.quants * kGroupRows;
    for (std::size_t block = 0; block < blocks; ++block, row += shape.scale + shape.quants) {
        std::memcpy(scales + (block * kGroupRows + lane) * shape.scale, row, shape.scale);
        packQuads(row + shape.scale, shape.quants / 4, layout == Layout::Q8 ? kSignBits : 0,
                  out + block * shape.quants * kGroupRows + lane * 4);
    }
}

void packRuns(TensorType type, const std::byte* row, std::size_t lane, int columns, std::byte* out) {
    const model::TypeTraits& traits = model::typeTraits(type);
    std::array<model::CodeRun, model::kMostRuns> runs;
    const auto used = std::span(runs).first(static_cast<std::size_t>(traits.blockElements / model::kRunColumns));
    for (int column = 0; column < columns; column += traits.blockElements, row += traits.blockBytes) {
        model::splitBlock(type, row, used);
        for (const model::CodeRun& run : used) {
            packQuads(reinterpret_cast<const std::byte*>(run.codes.data()), 4, kSignBits, out + lane * 4);
            std::memcpy(out + kRunScales + lane * sizeof(float), &run.scale, sizeof run.scale);
            std::memcpy(out + kRunOffsets + lane * sizeof(float), &run.offset, sizeof run.offset);
            out += kRunBytes;
        }
    }
}

void packFloats(std::size_t element, const std::byte* row, std::size_t lane, int columns, std::byte* out) {
    out += lane * element;
    for (int column = 0; column < columns; ++column, row += element, out += element * kGroupRows)
        std::memcpy(out, row, element);
}

void packRow(TensorType type, const std::byte* row, int lane, int columns, std::byte* out) {
    const auto at = static_cast<std::size_t>(lane);
    switch (const Layout layout = layoutOf(type)) {
    case Layout::Floats:
        return packFloats(static_cast<std::size_t>(model::typeTraits(type).blockBytes), row, at, columns, out);
    case Layout::Q8:
    case Layout::Q4:
    case Layout::Mxfp4:
        return packBlocks(layout, row, at, columns, out);
    case Layout::Q4K:
    case Layout::Q5K:
    case Layout::Q6K:
        return packKQuantRow(type, row, lane, columns, out);
    case Layout::Runs:
        return packRuns(type, row, at, columns, out);
    }
}

std::size_t plainGroupBytes(TensorType type, int columns) {
    const auto width = static_cast<std::size_t>(columns);
    const Layout layout = layoutOf(type);
    if (layout == Layout::Floats)
        return width * kGroupRows * static_cast<std::size_t>(model::typeTraits(type).blockBytes);
    if (layout == Layout::Runs)
        return width / model::kRunColumns * kRunBytes;
    const BlockShape shape = shapeOf(layout);
    return width / kBlockColumns * kGroupRows * (shape.quants + shape.scale);
}

} // namespace

Layout layoutOf(TensorType type) {
    switch (type) {
    case TensorType::F32:
    case TensorType::F16:
    case TensorType::BF16:
        return Layout::Floats;
    case TensorType::Q8_0:
        return Layout::Q8;
    case TensorType::Q4_0:
        return Layout::Q4;
    case TensorType::MXFP4:
        return Layout::Mxfp4;
    case TensorType::Q4_K:
        return Layout::Q4K;
    case TensorType::Q5_K:
        return Layout::Q5K;
    case TensorType::Q6_K:
        return Layout::Q6K;
    default:
        return Layout::Runs;
    }
}

std::size_t groupBytes(TensorType type, int columns) {
    const Layout layout = layoutOf(type);
    const bool isKQuant = layout == Layout::Q4K || layout == Layout::Q5K || layout == Layout::Q6K;
    return roundUp(isKQuant ? groupBytesOfKQuant(type, columns) : plainGroupBytes(type, columns), kCacheLine);
}

void packGroup(TensorType type, const std::byte* rows, std::int64_t rowBytes, int rowCount, int columns, std::byte* out) {
    if (rowCount < kGroupRows)
        std::memset(out, 0, groupBytes(type, columns));
    for (int row = 0; row < rowCount; ++row)
        packRow(type, rows + row * rowBytes, row, columns, out);
}

} // namespace moescope::backend

#include "engine/model/block_fields.h"

// The k-quants: 256 weights, whose parts of 16 or 32 have small whole scales of one half-precision scale.
namespace moescope::model {
namespace {

constexpr std::size_t kHalfBlock = 128;
constexpr std::size_t kPart = 32;

/// Where a column's bits lie in formats that put four parts of 32 columns into the same bytes.
struct Place {
    std::size_t byte = 0; ///< of 32 per half block
    unsigned part = 0;    ///< 0-3
};
Place placeOf(std::size_t column) {
    return {column / kHalfBlock * kPart + column % kPart, static_cast<unsigned>(column % kHalfBlock / kPart)};
}

template <class CodeOf>
void setCodes(std::span<CodeRun> runs, CodeOf codeOf) {
    for (std::size_t run = 0; run < runs.size(); ++run)
        for (std::size_t i = 0; i < kRunColumns; ++i)
            runs[run].codes[i] = static_cast<std::int8_t>(codeOf(run * kRunColumns + i));
}

void setScales(std::span<CodeRun> runs, const std::byte* block) {
    const float scale = halfAt(block);
    const float least = halfAt(block + 2);
    for (std::size_t run = 0; run < runs.size(); ++run) {
        const ScaleAndLeast part = scaleAndLeast(block + 4, static_cast<int>(run / 2));
        runs[run].scale = scale * static_cast<float>(part.scale);
        runs[run].offset = -(least * static_cast<float>(part.least));
    }
}

/// Columns 64c + l and 64c + 32 + l are the halves of byte 32c + l.
int nibbleOf(const std::byte* quants, std::size_t column) {
    const unsigned two = byteAt(quants, column / 64 * kPart + column % kPart);
    return static_cast<int>(column % 64 < kPart ? two & 15U : two >> 4U);
}

} // namespace

ScaleAndLeast scaleAndLeast(const std::byte* twelve, int part) {
    const auto at = static_cast<std::size_t>(part);
    unsigned scale = 0;
    unsigned least = 0;
    if (part < 4) {
        scale = byteAt(twelve, at) & 63U;
        least = byteAt(twelve, at + 4) & 63U;
    } else {
        scale = (byteAt(twelve, at + 4) & 15U) | byteAt(twelve, at - 4) >> 6U << 4U;
        least = byteAt(twelve, at + 4) >> 4U | byteAt(twelve, at) >> 6U << 4U;
    }
    return {static_cast<std::uint8_t>(scale), static_cast<std::uint8_t>(least)};
}

void splitQ2K(const std::byte* block, std::span<CodeRun> runs) {
    const std::byte* quants = block + 16;
    const float scale = halfAt(block + 80);
    const float least = halfAt(block + 82);
    for (std::size_t run = 0; run < runs.size(); ++run) {
        const unsigned both = byteAt(block, run);
        runs[run].scale = scale * static_cast<float>(both & 15U);
        runs[run].offset = -(least * static_cast<float>(both >> 4U));
    }
    setCodes(runs, [quants](std::size_t column) {
        const Place place = placeOf(column);
        return byteAt(quants, place.byte) >> 2U * place.part & 3U;
    });
}

void splitQ3K(const std::byte* block, std::span<CodeRun> runs) {
    const std::byte* quants = block + 32;
    const std::byte* packed = block + 96;
    const float scale = halfAt(block + 108);
    for (std::size_t run = 0; run < runs.size(); ++run) {
        const unsigned low = run < 8 ? byteAt(packed, run) & 15U : byteAt(packed, run - 8) >> 4U;
        const unsigned high = byteAt(packed, 8 + run % 4) >> 2U * (run / 4) & 3U;
        runs[run].scale = scale * static_cast<float>(static_cast<int>(low | high << 4U) - 32);
        runs[run].offset = -0.0F;
    }
    setCodes(runs, [block, quants](std::size_t column) {
        const Place place = placeOf(column);
        const unsigned high = byteAt(block, column % kPart) >> column / kPart & 1U;
        return static_cast<int>((byteAt(quants, place.byte) >> 2U * place.part & 3U) | high << 2U) - 4;
    });
}

void splitQ4K(const std::byte* block, std::span<CodeRun> runs) {
    const std::byte* quants = block + 16;
    setScales(runs, block);
    setCodes(runs, [quants](std::size_t column) { return nibbleOf(quants, column); });
}

void splitQ5K(const std::byte* block, std::span<CodeRun> runs) {
    const std::byte* fifth = block + 16;
    const std::byte* quants = block + 48;
    setScales(runs, block);
    setCodes(runs, [fifth, quants](std::size_t column) {
        const unsigned high = byteAt(fifth, column % kPart) >> column / kPart & 1U;
        return nibbleOf(quants, column) | static_cast<int>(high << 4U);
    });
}

void splitQ6K(const std::byte* block, std::span<CodeRun> runs) {
    const std::byte* highs = block + 128;
    const std::byte* scales = block + 192;
    const float scale = halfAt(block + 208);
    for (std::size_t run = 0; run < runs.size(); ++run) {
        runs[run].scale = scale * static_cast<float>(static_cast<std::int8_t>(byteAt(scales, run)));
        runs[run].offset = -0.0F;
    }
    setCodes(runs, [block, highs](std::size_t column) {
        const Place place = placeOf(column);
        const std::size_t low = column / kHalfBlock * 64 + column % 64;
        const unsigned four = byteAt(block, low) >> (place.part < 2 ? 0U : 4U) & 15U;
        const unsigned two = byteAt(highs, place.byte) >> 2U * place.part & 3U;
        return static_cast<int>(four | two << 4U) - 32;
    });
}

} // namespace moescope::model

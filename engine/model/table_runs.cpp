#include "engine/model/block_fields.h"

#include <bit>
#include <limits>

// Formats whose four bits are places in a table.
namespace moescope::model {
namespace {

/// Columns i and i + 16 are the halves of byte i.
void lookUp(const std::byte* quants, const std::array<std::int8_t, 16>& table, std::span<CodeRun> two) {
    for (std::size_t i = 0; i < kRunColumns; ++i) {
        const unsigned both = byteAt(quants, i);
        two[0].codes[i] = table[both & 15U];
        two[1].codes[i] = table[both >> 4U];
    }
}

void setScale(std::span<CodeRun> runs, float scale) {
    for (CodeRun& run : runs) {
        run.scale = scale;
        run.offset = -0.0F;
    }
}

} // namespace

float halfOfE8M0(std::uint8_t exponent) {
    if (exponent == 255)
        return std::numeric_limits<float>::quiet_NaN();
    // The two smallest have no normal float.
    return exponent < 2 ? std::bit_cast<float>(0x00200000U << exponent)
                        : std::bit_cast<float>(static_cast<std::uint32_t>(exponent - 1) << 23U);
}

void splitIq4Nl(const std::byte* block, std::span<CodeRun> runs) {
    setScale(runs, halfAt(block));
    lookUp(block + 2, kUnevenCodes, runs);
}

void splitIq4Xs(const std::byte* block, std::span<CodeRun> runs) {
    const float scale = halfAt(block);
    const unsigned high = byteAt(block, 2) | byteAt(block, 3) << 8U;
    for (std::size_t part = 0; part < runs.size() / 2; ++part) {
        const unsigned low = byteAt(block, 4 + part / 2) >> 4U * (part % 2) & 15U;
        const int whole = static_cast<int>(low | (high >> 2U * part & 3U) << 4U) - 32;
        const std::span<CodeRun> two = runs.subspan(2 * part, 2);
        setScale(two, scale * static_cast<float>(whole));
        lookUp(block + 8 + part * kRunColumns, kUnevenCodes, two);
    }
}

void splitMxfp4(const std::byte* block, std::span<CodeRun> runs) {
    setScale(runs, halfOfE8M0(static_cast<std::uint8_t>(byteAt(block, 0))));
    lookUp(block + 1, kDoubledE2M1, runs);
}

} // namespace moescope::model

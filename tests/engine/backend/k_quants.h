#pragma once
#include "engine/trace/routing_payload.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace moescope::tests {

// The k-quant formats that llama.cpp's tests use and this program does not compute with, decoded after their description in
// ggml-common.h, so that a comparison file can be turned into float32.
inline constexpr std::uint32_t kQ4K = 12;
inline constexpr std::uint32_t kQ6K = 14;

namespace detail {

inline float halfAt(const std::byte* at) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, at, sizeof bits);
    return trace::fromHalf(bits);
}
inline int byteAt(const std::byte* at, std::size_t index) {
    return std::to_integer<int>(at[index]);
}

/// 256 values in 144 bytes: half scale, half minimum, 8 pairs of 6-bit (scale, minimum), 4-bit quants.
inline void decodeQ4K(const std::byte* block, float* out) {
    const float scale = halfAt(block);
    const float least = halfAt(block + 2);
    const std::byte* packed = block + 4;
    const std::byte* quants = block + 16;
    for (std::size_t part = 0; part < 8; ++part) {
        const int s =
            part < 4 ? byteAt(packed, part) & 63 : (byteAt(packed, part + 4) & 15) | ((byteAt(packed, part - 4) >> 6) << 4);
        const int m =
            part < 4 ? byteAt(packed, part + 4) & 63 : (byteAt(packed, part + 4) >> 4) | ((byteAt(packed, part) >> 6) << 4);
        for (std::size_t i = 0; i < 32; ++i) {
            const int two = byteAt(quants, part / 2 * 32 + i);
            const int quant = part % 2 == 0 ? two & 15 : two >> 4;
            out[part * 32 + i] = scale * static_cast<float>(s) * static_cast<float>(quant) - least * static_cast<float>(m);
        }
    }
}

/// 256 values in 210 bytes: 4 low bits, 2 high bits, 16 signed scales, half scale.
inline void decodeQ6K(const std::byte* block, float* out) {
    const float scale = halfAt(block + 208);
    for (std::size_t half = 0; half < 2; ++half) {
        const std::byte* low = block + half * 64;
        const std::byte* high = block + 128 + half * 32;
        const std::byte* scales = block + 192 + half * 8;
        for (std::size_t i = 0; i < 128; ++i) {
            const std::size_t quarter = i / 32;
            const std::size_t column = i % 32;
            const int four = byteAt(low, column + 32 * (quarter % 2)) >> (quarter < 2 ? 0 : 4) & 15;
            const int two = byteAt(high, column) >> (2 * quarter) & 3;
            const auto s = static_cast<std::int8_t>(byteAt(scales, i / 16));
            out[half * 128 + i] = scale * static_cast<float>(s) * static_cast<float>((four | two << 4) - 32);
        }
    }
}

} // namespace detail

/// Empty if the type is none of the two.
inline std::vector<float> decodeKQuant(std::uint32_t type, std::span<const std::byte> bytes) {
    const std::size_t blockBytes = type == kQ4K ? 144 : type == kQ6K ? 210 : 0;
    std::vector<float> values(blockBytes == 0 ? 0 : bytes.size() / blockBytes * 256);
    for (std::size_t block = 0; block < values.size() / 256; ++block) {
        if (type == kQ4K)
            detail::decodeQ4K(bytes.data() + block * blockBytes, values.data() + block * 256);
        else
            detail::decodeQ6K(bytes.data() + block * blockBytes, values.data() + block * 256);
    }
    return values;
}

} // namespace moescope::tests

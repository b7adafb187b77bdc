#pragma once
#include "engine/model/tensor_type.h"
#include "engine/trace/routing_payload.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <vector>

namespace moescope::tests {

// GGUF's quantised formats, one element at a time in double, from their published definitions (ggml-common.h and
// dequantize_row_*) and without the reader's code: what the program's own decoding is compared with.
namespace format_reference {

using Block = const std::byte*;

inline unsigned u8(Block at, std::size_t index) {
    return std::to_integer<unsigned>(at[index]);
}
inline double half(Block at, std::size_t index) {
    const unsigned bits = u8(at, index) + 256 * u8(at, index + 1);
    const int exponent = static_cast<int>(bits / 1024 % 32);
    const double fraction = bits % 1024;
    const double sign = bits >= 0x8000 ? -1 : 1;
    if (exponent == 31)
        return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
    return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25));
}
/// Bit `index` of a string of bytes, least significant first.
inline unsigned bit(Block at, std::size_t index) {
    return u8(at, index / 8) >> index % 8 & 1U;
}
inline double nibble(Block at, std::size_t element) {
    return element < 16 ? u8(at, element) % 16 : u8(at, element - 16) / 16;
}

inline double q4_0(Block b, std::size_t i) {
    return (nibble(b + 2, i) - 8) * half(b, 0);
}
inline double q4_1(Block b, std::size_t i) {
    return nibble(b + 4, i) * half(b, 0) + half(b, 2);
}
inline double q5_0(Block b, std::size_t i) {
    return (nibble(b + 6, i) + 16 * bit(b + 2, i) - 16) * half(b, 0);
}
inline double q5_1(Block b, std::size_t i) {
    return (nibble(b + 8, i) + 16 * bit(b + 4, i)) * half(b, 0) + half(b, 2);
}
inline double q8_0(Block b, std::size_t i) {
    const unsigned code = u8(b, 2 + i);
    return (code < 128 ? code : code - 256.0) * half(b, 0);
}
/// Two bits: 128 elements share 32 bytes, quarter after quarter in bits 0-1, 2-3, 4-5, 6-7.
inline unsigned twoBits(Block at, std::size_t i) {
    return u8(at, i / 128 * 32 + i % 32) >> 2 * (i % 128 / 32) & 3U;
}
inline double q2_K(Block b, std::size_t i) {
    const unsigned both = u8(b, i / 16);
    return half(b, 80) * (both % 16) * twoBits(b + 16, i) - half(b, 82) * (both / 16);
}
inline double q3_K(Block b, std::size_t i) {
    // kmask1, kmask2 and aux[] of dequantize_row_q3_K, written out for one scale.
    const std::size_t j = i / 16;
    const unsigned low = j < 8 ? u8(b, 96 + j) % 16 : u8(b, 96 + j - 8) / 16;
    const unsigned high = u8(b, 104 + j % 4) >> 2 * (j / 4) & 3U;
    const bool set = (u8(b, i % 32) >> i / 32 & 1U) != 0;
    return half(b, 108) * (low + 16.0 * high - 32) * (static_cast<double>(twoBits(b + 32, i)) - (set ? 0 : 4));
}
/// get_scale_min_k4: six bits each.
inline unsigned sixBitScale(Block s, std::size_t j) {
    return j < 4 ? u8(s, j) & 63U : (u8(s, j + 4) & 15U) + 16 * (u8(s, j - 4) >> 6U);
}
inline unsigned sixBitLeast(Block s, std::size_t j) {
    return j < 4 ? u8(s, j + 4) & 63U : u8(s, j + 4) / 16 + 16 * (u8(s, j) >> 6U);
}
inline double scaledAndLowered(Block b, std::size_t i, double code) {
    return half(b, 0) * sixBitScale(b + 4, i / 32) * code - half(b, 2) * sixBitLeast(b + 4, i / 32);
}
inline unsigned pairNibble(Block qs, std::size_t i) {
    const unsigned two = u8(qs, i / 64 * 32 + i % 32);
    return i / 32 % 2 == 0 ? two % 16 : two / 16;
}
inline double q4_K(Block b, std::size_t i) {
    return scaledAndLowered(b, i, pairNibble(b + 16, i));
}
inline double q5_K(Block b, std::size_t i) {
    const unsigned fifth = u8(b, 16 + i % 32) >> i / 32 & 1U;
    return scaledAndLowered(b, i, pairNibble(b + 48, i) + 16 * fifth);
}
inline double q6_K(Block b, std::size_t i) {
    const std::size_t quarter = i % 128 / 32;
    const std::size_t l = i % 32;
    const unsigned low = u8(b, i / 128 * 64 + l + 32 * (quarter % 2)) >> (quarter < 2 ? 0 : 4) & 15U;
    const unsigned scale = u8(b, 192 + i / 16);
    return half(b, 208) * (scale < 128 ? scale : scale - 256.0) * (low + 16.0 * twoBits(b + 128, i) - 32);
}
inline double unevenCode(double place) {
    constexpr double kTable[] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    return kTable[static_cast<std::size_t>(place)];
}
inline double iq4_nl(Block b, std::size_t i) {
    return half(b, 0) * unevenCode(nibble(b + 2, i));
}
inline double iq4_xs(Block b, std::size_t i) {
    const std::size_t part = i / 32;
    const unsigned low = part % 2 == 0 ? u8(b, 4 + part / 2) % 16 : u8(b, 4 + part / 2) / 16;
    const unsigned high = (u8(b, 2) + 256 * u8(b, 3)) >> 2 * part & 3U;
    return half(b, 0) * (low + 16.0 * high - 32) * unevenCode(nibble(b + 8 + 16 * part, i % 32));
}
/// OCP Microscaling: E2M1 times a power of two.
inline double mxfp4(Block b, std::size_t i) {
    if (u8(b, 0) == 255)
        return std::numeric_limits<double>::quiet_NaN();
    const auto code = static_cast<unsigned>(nibble(b + 1, i));
    const unsigned exponent = code / 2 % 4;
    const double magnitude =
        exponent == 0 ? 0.5 * (code % 2) : std::ldexp(1 + 0.5 * (code % 2), static_cast<int>(exponent) - 1);
    return std::ldexp(code < 8 || magnitude == 0 ? magnitude : -magnitude, static_cast<int>(u8(b, 0)) - 127);
}

using Reading = double (*)(Block block, std::size_t element);

struct Format {
    model::TensorType type;
    std::uint32_t id; ///< ggml's
    const char* name;
    std::size_t elements; ///< of a block
    std::size_t bytes;
    Reading reading;
    std::vector<std::size_t> halves; ///< where a block keeps half-precision numbers: scale, least value
    double mostPerScale = 1;         ///< greatest magnitude in units of the scale
    double mostPerLeast = 1;         ///< of what is taken off, in units of the least value
};

inline const std::vector<Format>& all() {
    using model::TensorType;
    static const std::vector<Format> kAll{{TensorType::Q4_0, 2, "Q4_0", 32, 18, q4_0, {0}, 8},
                                          {TensorType::Q4_1, 3, "Q4_1", 32, 20, q4_1, {0, 2}, 15},
                                          {TensorType::Q5_0, 6, "Q5_0", 32, 22, q5_0, {0}, 16},
                                          {TensorType::Q5_1, 7, "Q5_1", 32, 24, q5_1, {0, 2}, 31},
                                          {TensorType::Q8_0, 8, "Q8_0", 32, 34, q8_0, {0}, 128},
                                          {TensorType::Q2_K, 10, "Q2_K", 256, 84, q2_K, {80, 82}, 45, 15},
                                          {TensorType::Q3_K, 11, "Q3_K", 256, 110, q3_K, {108}, 128},
                                          {TensorType::Q4_K, 12, "Q4_K", 256, 144, q4_K, {0, 2}, 945, 63},
                                          {TensorType::Q5_K, 13, "Q5_K", 256, 176, q5_K, {0, 2}, 1953, 63},
                                          {TensorType::Q6_K, 14, "Q6_K", 256, 210, q6_K, {208}, 4096},
                                          {TensorType::IQ4_NL, 20, "IQ4_NL", 32, 18, iq4_nl, {0}, 127},
                                          {TensorType::IQ4_XS, 23, "IQ4_XS", 256, 136, iq4_xs, {0}, 4064},
                                          {TensorType::MXFP4, 39, "MXFP4", 32, 17, mxfp4, {}, 6}};
    return kAll;
}

inline const Format* find(model::TensorType type) {
    for (const Format& format : all())
        if (format.type == type)
            return &format;
    return nullptr;
}

inline void putHalf(std::span<std::byte> block, std::size_t at, std::uint16_t bits) {
    block[at] = static_cast<std::byte>(bits & 0xFF);
    block[at + 1] = static_cast<std::byte>(bits >> 8);
}

/// Blocks of random codes, each with scales of its own, whose values reach about ±reach.
inline std::vector<std::byte> randomBlocks(const Format& format, std::size_t count, double reach, std::mt19937_64& random) {
    std::vector<std::byte> bytes(count / format.elements * format.bytes);
    for (std::byte& byte : bytes)
        byte = static_cast<std::byte>(random());
    for (std::size_t at = 0; at < bytes.size(); at += format.bytes) {
        const auto block = std::span(bytes).subspan(at, format.bytes);
        for (std::size_t i = 0; i < format.halves.size(); ++i) {
            const double size = reach * (0.5 + static_cast<double>(random() % 1024) / 2048);
            const double value = size / (i == 0 ? format.mostPerScale : format.mostPerLeast);
            putHalf(block, format.halves[i], trace::toHalf(static_cast<float>(random() % 2 == 0 ? value : -value)));
        }
        if (format.halves.empty())
            block[0] = static_cast<std::byte>(127 + std::ilogb(reach / format.mostPerScale) - static_cast<int>(random() % 2));
    }
    return bytes;
}

} // namespace format_reference
} // namespace moescope::tests

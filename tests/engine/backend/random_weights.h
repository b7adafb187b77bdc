#pragma once
#include "engine/model/tensor_type.h"
#include "engine/trace/routing_payload.h"
#include "tests/support/format_reference.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <span>
#include <vector>

namespace moescope::tests {

inline std::vector<float> randomFloats(std::size_t count, float reach, std::mt19937_64& random) {
    std::vector<float> values(count);
    for (float& value : values)
        value = reach * (static_cast<float>(random() % 20001) - 10000.0F) / 10000.0F;
    return values;
}

namespace detail {

inline void put16(std::vector<std::byte>& out, std::uint16_t value) {
    out.push_back(static_cast<std::byte>(value & 0xFF));
    out.push_back(static_cast<std::byte>(value >> 8));
}

inline void putQ8Block(std::span<const float> block, std::vector<std::byte>& out) {
    float most = 0;
    for (const float value : block)
        most = std::max(most, std::abs(value));
    const float scale = most / 127;
    put16(out, trace::toHalf(scale));
    for (const float value : block)
        out.push_back(static_cast<std::byte>(static_cast<std::int8_t>(scale > 0 ? std::lround(value / scale) : 0)));
}

inline void putQ4Block(std::span<const float> block, std::vector<std::byte>& out) {
    float most = 0;
    for (const float value : block)
        most = std::abs(value) > std::abs(most) ? value : most;
    const float scale = most / -8;
    put16(out, trace::toHalf(scale));
    const auto nibble = [&](float value) {
        return static_cast<unsigned>(std::clamp(scale != 0 ? std::lround(value / scale) + 8 : 8L, 0L, 15L));
    };
    for (std::size_t i = 0; i < 16; ++i)
        out.push_back(static_cast<std::byte>(nibble(block[i]) | nibble(block[i + 16]) << 4U));
}

} // namespace detail

/// Values in a file's format; for quantised types their count is a multiple of the block. Formats that nothing here encodes
/// get random codes of the same reach instead.
inline std::vector<std::byte> stored(model::TensorType type, std::span<const float> values) {
    std::vector<std::byte> out;
    if (type == model::TensorType::F32) {
        const auto bytes = std::as_bytes(values);
        return {bytes.begin(), bytes.end()};
    }
    if (type == model::TensorType::F16)
        for (const float value : values)
            detail::put16(out, trace::toHalf(value));
    if (type == model::TensorType::BF16)
        for (const float value : values)
            detail::put16(out, static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16U));
    for (std::size_t at = 0; at < values.size() && type == model::TensorType::Q8_0; at += 32)
        detail::putQ8Block(values.subspan(at, 32), out);
    for (std::size_t at = 0; at < values.size() && type == model::TensorType::Q4_0; at += 32)
        detail::putQ4Block(values.subspan(at, 32), out);
    if (const auto* format = format_reference::find(type); format != nullptr && out.empty()) {
        double reach = 0;
        for (const float value : values)
            reach = std::max(reach, std::abs(double{value}));
        std::mt19937_64 random(std::bit_cast<std::uint32_t>(values.front()) + values.size());
        return format_reference::randomBlocks(*format, values.size(), reach, random);
    }
    return out;
}

} // namespace moescope::tests

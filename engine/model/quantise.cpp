#include "engine/model/quantise.h"

#include "engine/trace/routing_payload.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace moescope::model {
namespace {

constexpr std::size_t kBlock = 32;
constexpr std::uint16_t kHalfInfinity = 0x7c00;

void store(std::uint16_t value, std::byte* at) {
    std::memcpy(at, &value, sizeof value);
}

bool isFinite(std::uint16_t half) {
    return (half & kHalfInfinity) != kHalfInfinity;
}

bool allFinite(std::span<const float> values) {
    // An exponent of all ones, without std::isfinite's branch per value.
    std::uint32_t worst = 0;
    for (const float value : values)
        worst = std::max(worst, std::bit_cast<std::uint32_t>(value) & 0x7fffffffU);
    return worst < 0x7f800000U;
}

/// roundf for values within ±2^30, in steps that vectorise without SSE4.1.
int roundedAwayFromZero(float value) {
    const int whole = static_cast<int>(value);
    const float rest = value - static_cast<float>(whole);
    return whole + static_cast<int>(rest >= 0.5F) - static_cast<int>(rest <= -0.5F);
}

/// 0 where the inverse is infinite: such a scale is 0 once it is rounded to half.
float inverseOf(float scale) {
    const float inverse = 1.0F / scale;
    return std::isfinite(inverse) ? inverse : 0.0F;
}

bool encodeQ80(std::span<const float, kBlock> values, std::byte* out) {
    float greatest = 0;
    for (const float value : values)
        greatest = std::max(greatest, std::fabs(value));
    const float scale = greatest / 127.0F;
    const float inverse = inverseOf(scale);
    const std::uint16_t stored = trace::toHalf(scale);
    store(stored, out);
    if (!isFinite(stored))
        return false;
    std::array<std::int8_t, kBlock> codes{};
    for (std::size_t i = 0; i < kBlock; ++i)
        codes[i] = static_cast<std::int8_t>(roundedAwayFromZero(values[i] * inverse));
    std::memcpy(out + 2, codes.data(), kBlock);
    return true;
}

bool encodeQ40(std::span<const float, kBlock> values, std::byte* out) {
    float greatest = 0;
    float extreme = 0;
    for (const float value : values) {
        if (std::fabs(value) > greatest) {
            greatest = std::fabs(value);
            extreme = value;
        }
    }
    const float scale = extreme / -8.0F;
    const float inverse = inverseOf(scale);
    const std::uint16_t stored = trace::toHalf(scale);
    store(stored, out);
    if (!isFinite(stored))
        return false;
    for (std::size_t i = 0; i < kBlock / 2; ++i) {
        const float low = values[i] * inverse;
        const float high = values[i + kBlock / 2] * inverse;
        const int lowCode = std::min(15, static_cast<int>(low + 8.5F));
        const int highCode = std::min(15, static_cast<int>(high + 8.5F));
        out[2 + i] = static_cast<std::byte>(lowCode | highCode << 4);
    }
    return true;
}

template <class Encode>
bool encodeBlocks(TensorType type, std::span<const float> values, std::byte* out, Encode encode) {
    bool sound = true;
    for (std::size_t at = 0; at + kBlock <= values.size(); at += kBlock, out += typeTraits(type).blockBytes)
        sound &= encode(values.subspan(at).first<kBlock>(), out);
    return sound;
}

bool encodeHalves(std::span<const float> values, std::byte* out) {
    bool sound = true;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::uint16_t half = trace::toHalf(values[i]);
        store(half, out + 2 * i);
        sound &= isFinite(half);
    }
    return sound;
}

bool encodeBrainFloats(std::span<const float> values, std::byte* out) {
    bool sound = true;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto bits = std::bit_cast<std::uint32_t>(values[i]);
        const auto rounded = static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
        store(rounded, out + 2 * i);
        sound &= (rounded & 0x7f80U) != 0x7f80U;
    }
    return sound;
}

} // namespace

bool quantise(TensorType type, std::span<const float> values, std::byte* out) {
    if (!allFinite(values))
        return false;
    switch (type) {
    case TensorType::F32:
        std::memcpy(out, values.data(), values.size_bytes());
        return true;
    case TensorType::F16:
        return encodeHalves(values, out);
    case TensorType::BF16:
        return encodeBrainFloats(values, out);
    case TensorType::Q8_0:
        return encodeBlocks(type, values, out, encodeQ80);
    case TensorType::Q4_0:
        return encodeBlocks(type, values, out, encodeQ40);
    default:
        return false;
    }
}

} // namespace moescope::model

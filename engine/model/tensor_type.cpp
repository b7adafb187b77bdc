#include "engine/model/tensor_type.h"

#include "engine/trace/routing_payload.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace moescope::model {
namespace {

constexpr TypeTraits kF32{"F32", 1, 4};
constexpr TypeTraits kF16{"F16", 1, 2};
constexpr TypeTraits kQ40{"Q4_0", 32, 18};
constexpr TypeTraits kQ80{"Q8_0", 32, 34};
constexpr TypeTraits kBF16{"BF16", 1, 2};

std::uint16_t u16At(const std::byte* at) {
    std::uint16_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
}

void decodeHalves(const std::byte* data, std::span<float> out) {
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = trace::fromHalf(u16At(data + 2 * i));
}

void decodeBrainFloats(const std::byte* data, std::span<float> out) {
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = std::bit_cast<float>(std::uint32_t{u16At(data + 2 * i)} << 16);
}

void decodeQ80(const std::byte* block, std::span<float> out) {
    for (std::size_t at = 0; at + 32 <= out.size(); at += 32, block += kQ80.blockBytes) {
        const float scale = trace::fromHalf(u16At(block));
        for (std::size_t i = 0; i < 32; ++i)
            out[at + i] = scale * static_cast<float>(static_cast<std::int8_t>(block[2 + i]));
    }
}

void decodeQ40(const std::byte* block, std::span<float> out) {
    for (std::size_t at = 0; at + 32 <= out.size(); at += 32, block += kQ40.blockBytes) {
        const float scale = trace::fromHalf(u16At(block));
        for (std::size_t i = 0; i < 16; ++i) {
            const int pair = std::to_integer<int>(block[2 + i]);
            out[at + i] = scale * static_cast<float>((pair & 15) - 8);
            out[at + 16 + i] = scale * static_cast<float>((pair >> 4) - 8);
        }
    }
}

} // namespace

const TypeTraits* typeTraits(std::uint32_t ggmlType) {
    switch (static_cast<TensorType>(ggmlType)) {
    case TensorType::F32:
        return &kF32;
    case TensorType::F16:
        return &kF16;
    case TensorType::Q4_0:
        return &kQ40;
    case TensorType::Q8_0:
        return &kQ80;
    case TensorType::BF16:
        return &kBF16;
    }
    return nullptr;
}

const TypeTraits& typeTraits(TensorType type) {
    return *typeTraits(static_cast<std::uint32_t>(type));
}

void dequantise(TensorType type, const std::byte* data, std::span<float> out) {
    switch (type) {
    case TensorType::F32:
        std::memcpy(out.data(), data, out.size_bytes());
        return;
    case TensorType::F16:
        return decodeHalves(data, out);
    case TensorType::Q4_0:
        return decodeQ40(data, out);
    case TensorType::Q8_0:
        return decodeQ80(data, out);
    case TensorType::BF16:
        return decodeBrainFloats(data, out);
    }
}

} // namespace moescope::model

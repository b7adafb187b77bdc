#include "engine/model/tensor_type.h"

#include "engine/model/code_runs.h"
#include "engine/trace/routing_payload.h"

#include <array>
#include <bit>
#include <cstring>

namespace moescope::model {
namespace {

struct Known {
    TensorType type;
    TypeTraits traits;
};

constexpr Known kKnown[] = {{TensorType::F32, {"F32", 1, 4}},           {TensorType::F16, {"F16", 1, 2}},
                            {TensorType::BF16, {"BF16", 1, 2}},         {TensorType::Q8_0, {"Q8_0", 32, 34}},
                            {TensorType::Q4_0, {"Q4_0", 32, 18}},       {TensorType::Q4_1, {"Q4_1", 32, 20}},
                            {TensorType::Q5_0, {"Q5_0", 32, 22}},       {TensorType::Q5_1, {"Q5_1", 32, 24}},
                            {TensorType::Q2_K, {"Q2_K", 256, 84}},      {TensorType::Q3_K, {"Q3_K", 256, 110}},
                            {TensorType::Q4_K, {"Q4_K", 256, 144}},     {TensorType::Q5_K, {"Q5_K", 256, 176}},
                            {TensorType::Q6_K, {"Q6_K", 256, 210}},     {TensorType::IQ4_NL, {"IQ4_NL", 32, 18}},
                            {TensorType::IQ4_XS, {"IQ4_XS", 256, 136}}, {TensorType::MXFP4, {"MXFP4", 32, 17}}};

constexpr auto kTypes = [] {
    std::array<TensorType, std::size(kKnown)> types{};
    for (std::size_t i = 0; i < types.size(); ++i)
        types[i] = kKnown[i].type;
    return types;
}();

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

void decodeBlocks(TensorType type, const std::byte* data, std::span<float> out) {
    const TypeTraits& traits = typeTraits(type);
    const auto width = static_cast<std::size_t>(traits.blockElements);
    std::array<CodeRun, kMostRuns> runs;
    const std::span<CodeRun> used = std::span(runs).first(width / kRunColumns);
    for (std::size_t at = 0; at + width <= out.size(); at += width, data += traits.blockBytes) {
        splitBlock(type, data, used);
        float* to = out.data() + at;
        for (const CodeRun& run : used)
            for (const std::int8_t code : run.codes)
                *to++ = run.scale * static_cast<float>(code) + run.offset;
    }
}

} // namespace

const TypeTraits* typeTraits(std::uint32_t ggmlType) {
    for (const Known& known : kKnown)
        if (static_cast<std::uint32_t>(known.type) == ggmlType)
            return &known.traits;
    return nullptr;
}

const TypeTraits& typeTraits(TensorType type) {
    return *typeTraits(static_cast<std::uint32_t>(type));
}

std::span<const TensorType> tensorTypes() {
    return kTypes;
}

std::string namesOf(std::span<const TensorType> types) {
    std::string text;
    for (std::size_t i = 0; i < types.size(); ++i) {
        text += i == 0 ? "" : i + 1 == types.size() ? " and " : ", ";
        text += typeTraits(types[i]).name;
    }
    return text;
}

void dequantise(TensorType type, const std::byte* data, std::span<float> out) {
    if (type == TensorType::F32)
        std::memcpy(out.data(), data, out.size_bytes());
    else if (type == TensorType::F16)
        decodeHalves(data, out);
    else if (type == TensorType::BF16)
        decodeBrainFloats(data, out);
    else
        decodeBlocks(type, data, out);
}

} // namespace moescope::model

#include "engine/model/tensor_type.h"

#include "engine/model/gguf_file.h"
#include "engine/trace/routing_payload.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

namespace moescope::model {
namespace {

const std::filesystem::path kTales = std::filesystem::path(MOESCOPE_SHARED_DIR) / "models/tales-moe";

std::vector<std::byte> bytesOf(std::initializer_list<int> values) {
    std::vector<std::byte> bytes;
    for (const int value : values)
        bytes.push_back(static_cast<std::byte>(value & 0xFF));
    return bytes;
}

std::vector<float> decode(TensorType type, const std::vector<std::byte>& bytes, std::size_t count) {
    std::vector<float> values(count);
    dequantise(type, bytes.data(), values);
    return values;
}

std::vector<float> decodeAll(const TensorView& tensor) {
    std::vector<float> values(static_cast<std::size_t>(tensor.ne[0] * tensor.ne[1] * tensor.ne[2] * tensor.ne[3]));
    dequantise(tensor.type, tensor.data, values);
    return values;
}

TEST(TensorType, KnowsTheBlocksOfGgml) {
    const auto expect = [](std::uint32_t id, std::string_view name, int elements, int bytes) {
        const TypeTraits* traits = typeTraits(id);
        ASSERT_NE(traits, nullptr);
        EXPECT_EQ(traits->name, name);
        EXPECT_EQ(traits->blockElements, elements);
        EXPECT_EQ(traits->blockBytes, bytes);
    };
    expect(0, "F32", 1, 4);
    expect(1, "F16", 1, 2);
    expect(2, "Q4_0", 32, 18);
    expect(8, "Q8_0", 32, 34);
    expect(30, "BF16", 1, 2);
    for (const std::uint32_t unknown : {4U, 9U, 15U, 16U, 31U, 40U, 0xFFFFFFFFU})
        EXPECT_EQ(typeTraits(unknown), nullptr) << unknown;
}

TEST(Dequantise, ReadsPlainFloats) {
    EXPECT_EQ(decode(TensorType::F32, bytesOf({0, 0, 0x80, 0x3F, 0, 0, 0x20, 0xC0}), 2), (std::vector<float>{1.0F, -2.5F}));
    EXPECT_EQ(decode(TensorType::F16, bytesOf({0x00, 0x3C, 0x00, 0xC1, 0x01, 0x00}), 3),
              (std::vector<float>{1.0F, -2.5F, 0x1p-24F}));
    EXPECT_EQ(decode(TensorType::BF16, bytesOf({0x80, 0x3F, 0x20, 0xC0}), 2), (std::vector<float>{1.0F, -2.5F}));
}

TEST(Dequantise, ReadsEightBitBlocks) {
    auto bytes = bytesOf({0x00, 0x38}); // scale 0.5
    for (int i = 0; i < 32; ++i)
        bytes.push_back(static_cast<std::byte>(i * 8 - 128));
    auto second = bytesOf({0x00, 0xBC}); // scale -1
    second.resize(34, std::byte{127});
    bytes.insert(bytes.end(), second.begin(), second.end());
    const auto values = decode(TensorType::Q8_0, bytes, 64);
    for (std::size_t i = 0; i < 32; ++i) {
        EXPECT_EQ(values[i], 4.0F * static_cast<float>(i) - 64.0F) << i;
        EXPECT_EQ(values[32 + i], -127.0F) << i;
    }
}

TEST(Dequantise, ReadsFourBitBlocks) {
    auto bytes = bytesOf({0x00, 0x40}); // scale 2
    for (int i = 0; i < 16; ++i)
        bytes.push_back(static_cast<std::byte>(i | (15 - i) << 4));
    const auto values = decode(TensorType::Q4_0, bytes, 32);
    for (int i = 0; i < 16; ++i) {
        EXPECT_EQ(values[static_cast<std::size_t>(i)], 2.0F * static_cast<float>(i - 8)) << i;
        EXPECT_EQ(values[static_cast<std::size_t>(16 + i)], 2.0F * static_cast<float>(7 - i)) << i;
    }
}

// The three files hold the same weights, written by PyTorch, by llama.cpp's converter and by llama.cpp's quantiser.
TEST(Dequantise, ReadsTheEightBitFileAsTheHalfPrecisionOne) {
    if (!std::filesystem::exists(kTales / "model-f16.gguf"))
        GTEST_SKIP() << "the shared half-precision model is not here";
    const GgufFile eight(kTales / "model-q8_0.gguf");
    const GgufFile half(kTales / "model-f16.gguf");
    for (const char* name :
         {"token_embd.weight", "blk.0.ffn_gate_exps.weight", "blk.7.ffn_down_exps.weight", "blk.3.attn_q.weight"}) {
        const TensorView* quantised = eight.find(name);
        ASSERT_NE(quantised, nullptr);
        ASSERT_EQ(quantised->type, TensorType::Q8_0);
        ASSERT_EQ(half.find(name)->type, TensorType::F16);
        const auto coarse = decodeAll(*quantised);
        const auto fine = decodeAll(*half.find(name));
        ASSERT_EQ(coarse.size(), fine.size());
        for (std::size_t i = 0; i < fine.size(); ++i) {
            // Nearest of 255 steps, the step itself rounded to half precision.
            const std::byte* block = quantised->data + i / 32 * 34;
            std::uint16_t bits = 0;
            std::memcpy(&bits, block, sizeof bits);
            const float step = std::abs(trace::fromHalf(bits));
            ASSERT_LE(std::abs(coarse[i] - fine[i]), 0.5F * step * 1.13F + 1e-7F) << name << " element " << i;
        }
    }
}

TEST(Dequantise, ReadsTheHalfPrecisionFileAsTheOriginal) {
    if (!std::filesystem::exists(kTales / "model.safetensors"))
        GTEST_SKIP() << "the shared original weights are not here";
    std::ifstream in(kTales / "model.safetensors", std::ios::binary);
    std::uint64_t headerBytes = 0;
    in.read(reinterpret_cast<char*>(&headerBytes), sizeof headerBytes);
    std::string header(headerBytes, '\0');
    in.read(header.data(), static_cast<std::streamsize>(headerBytes));
    const auto entry = nlohmann::json::parse(header).at("model.embed_tokens.weight");
    ASSERT_EQ(entry.at("dtype"), "BF16");
    const auto begin = entry.at("data_offsets").at(0).get<std::uint64_t>();
    const auto end = entry.at("data_offsets").at(1).get<std::uint64_t>();
    std::vector<std::byte> original(end - begin);
    in.seekg(static_cast<std::streamoff>(8 + headerBytes + begin));
    in.read(reinterpret_cast<char*>(original.data()), static_cast<std::streamsize>(original.size()));
    ASSERT_TRUE(in);

    const GgufFile half(kTales / "model-f16.gguf");
    const auto converted = decodeAll(half.require("token_embd.weight", {256, 4096}));
    const auto expected = decode(TensorType::BF16, original, converted.size());
    for (std::size_t i = 0; i < converted.size(); ++i)
        ASSERT_NEAR(converted[i], expected[i], 0x1p-25) << i;
}

} // namespace
} // namespace moescope::model

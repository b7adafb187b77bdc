#include "engine/model/quantise.h"

#include "engine/trace/routing_payload.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace moescope::model {
namespace {

using Block = std::array<float, 32>;

std::vector<std::byte> encoded(TensorType type, const Block& block) {
    std::vector<std::byte> out(static_cast<std::size_t>(typeTraits(type).blockBytes));
    EXPECT_TRUE(quantise(type, block, out.data()));
    return out;
}

std::uint16_t scaleBits(const std::vector<std::byte>& bytes) {
    return static_cast<std::uint16_t>(std::to_integer<int>(bytes[0]) | std::to_integer<int>(bytes[1]) << 8);
}

/// Codes of a block as integers: -128..127 or 0..15.
std::vector<int> codesOf(TensorType type, const std::vector<std::byte>& bytes) {
    std::vector<int> codes(32);
    for (std::size_t i = 0; i < 32; ++i) {
        if (type == TensorType::Q8_0)
            codes[i] = static_cast<std::int8_t>(bytes[2 + i]);
        else
            codes[i] = i < 16 ? std::to_integer<int>(bytes[2 + i]) & 15 : std::to_integer<int>(bytes[2 + i - 16]) >> 4;
    }
    return codes;
}

std::vector<Block> randomBlocks() {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    std::vector<Block> blocks(4000);
    for (std::size_t b = 0; b < blocks.size(); ++b)
        for (float& value : blocks[b])
            value = normal(random) * std::exp2(static_cast<float>(static_cast<int>(b % 24) - 18));
    return blocks;
}

/// The nearest half to an exact value, found by trying the neighbours of what a conversion says.
void expectNearestHalf(std::uint16_t bits, double exact) {
    const double error = std::fabs(trace::fromHalf(bits) - exact);
    for (const int step : {-1, 1}) {
        const auto other = static_cast<std::uint16_t>(bits + step);
        if ((other & 0x7fff) != 0x7fff && (bits & 0x7fff) != 0) {
            EXPECT_LE(error, std::fabs(trace::fromHalf(other) - exact) * (1 + 1e-6)) << exact;
        }
    }
}

TEST(Quantise, Q80IsTheDefinitionReadInDoubles) {
    for (const Block& block : randomBlocks()) {
        const auto bytes = encoded(TensorType::Q8_0, block);
        double greatest = 0;
        for (const float value : block)
            greatest = std::max(greatest, std::fabs(static_cast<double>(value)));
        const double scale = greatest / 127;
        expectNearestHalf(scaleBits(bytes), scale);
        const std::vector<int> codes = codesOf(TensorType::Q8_0, bytes);
        for (std::size_t i = 0; i < 32; ++i) {
            const double exact = block[i] / scale;
            // Floats may fall on the other side of a tie that doubles see; nowhere else.
            if (std::fabs(std::fabs(exact - std::trunc(exact)) - 0.5) > 1e-4) {
                EXPECT_EQ(codes[i], static_cast<int>(std::round(exact))) << exact;
            }
            EXPECT_LE(std::fabs(codes[i] - exact), 0.5 + 1e-4);
        }
    }
}

TEST(Quantise, Q40IsTheDefinitionReadInDoubles) {
    for (const Block& block : randomBlocks()) {
        const auto bytes = encoded(TensorType::Q4_0, block);
        double extreme = 0;
        for (const float value : block)
            extreme = std::fabs(value) > std::fabs(extreme) ? value : extreme;
        const double scale = extreme / -8;
        expectNearestHalf(scaleBits(bytes), scale);
        const std::vector<int> codes = codesOf(TensorType::Q4_0, bytes);
        for (std::size_t i = 0; i < 32; ++i) {
            const double exact = block[i] / scale + 8.5;
            if (std::fabs(exact - std::round(exact)) > 1e-4) {
                EXPECT_EQ(codes[i], std::min(15, static_cast<int>(exact))) << exact;
            }
        }
    }
}

TEST(Quantise, TheGreatestValueOfAQ40BlockIsExactAndTheFirstOfEqualsWins) {
    Block block{};
    block[3] = -2;
    block[20] = 2;
    const auto bytes = encoded(TensorType::Q4_0, block);
    EXPECT_EQ(trace::fromHalf(scaleBits(bytes)), 0.25F);
    const std::vector<int> codes = codesOf(TensorType::Q4_0, bytes);
    EXPECT_EQ(codes[3], 0);
    EXPECT_EQ(codes[20], 15) << "+8 does not exist and becomes +7";
    EXPECT_EQ(codes[0], 8) << "zero is exact";
}

TEST(Quantise, TiesOfQ80GoAwayFromZero) {
    Block block{};
    block[0] = 127;
    block[1] = 0.5F;
    block[2] = -0.5F;
    block[3] = 2.5F;
    block[4] = std::nextafter(0.5F, 0.0F);
    const std::vector<int> codes = codesOf(TensorType::Q8_0, encoded(TensorType::Q8_0, block));
    EXPECT_EQ(std::vector(codes.begin(), codes.begin() + 5), (std::vector{127, 1, -1, 3, 0}));
}

TEST(Quantise, ZerosAndValuesBelowAnyScaleBecomeZero) {
    for (const float value : {0.0F, 1e-44F, 1e-39F}) {
        Block block{};
        block[5] = value;
        for (const TensorType type : {TensorType::Q8_0, TensorType::Q4_0}) {
            const auto bytes = encoded(type, block);
            Block back{};
            dequantise(type, bytes.data(), back);
            EXPECT_EQ(back, Block{}) << value;
        }
    }
}

TEST(Quantise, RefusesWhatATypeCannotHold) {
    std::array<std::byte, 128> out{};
    for (const float value : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(),
                              -std::numeric_limits<float>::infinity()}) {
        Block block{};
        block[31] = value;
        for (const TensorType type : {TensorType::F32, TensorType::F16, TensorType::BF16, TensorType::Q8_0, TensorType::Q4_0})
            EXPECT_FALSE(quantise(type, block, out.data())) << typeTraits(type).name;
    }
    Block large{};
    large[0] = 1e9F;
    EXPECT_FALSE(quantise(TensorType::F16, large, out.data()));
    EXPECT_FALSE(quantise(TensorType::Q8_0, large, out.data()));
    EXPECT_FALSE(quantise(TensorType::Q4_0, large, out.data()));
    EXPECT_TRUE(quantise(TensorType::BF16, large, out.data()));
    large[0] = std::numeric_limits<float>::max();
    EXPECT_FALSE(quantise(TensorType::BF16, large, out.data())) << "rounds up to infinity";
}

TEST(Quantise, HalvesAndBrainFloatsRoundToEven) {
    const std::array<float, 4> values{1.0F + 0x1p-11F, 1.0F + 3 * 0x1p-11F, 1.0F + 0x1p-8F, 1.0F + 3 * 0x1p-8F};
    std::array<std::uint16_t, 4> halves{};
    std::array<std::uint16_t, 4> brains{};
    ASSERT_TRUE(quantise(TensorType::F16, values, std::as_writable_bytes(std::span(halves)).data()));
    ASSERT_TRUE(quantise(TensorType::BF16, values, std::as_writable_bytes(std::span(brains)).data()));
    EXPECT_EQ(halves[0], 0x3c00);
    EXPECT_EQ(halves[1], 0x3c02);
    EXPECT_EQ(brains[2], 0x3f80);
    EXPECT_EQ(brains[3], 0x3f82);
}

} // namespace
} // namespace moescope::model

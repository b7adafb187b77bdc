// Every quantised format against its definition read in double, bit for bit.
#include "engine/model/code_runs.h"

#include "tests/support/format_reference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

namespace moescope::model {
namespace {

namespace reference = tests::format_reference;

constexpr std::uint16_t kHalves[] = {0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x3C00, 0xBC00, 0x7BFF, 0xFBFF, 0x2E66};

std::uint32_t bitsOf(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

class CodeRunsTest : public testing::TestWithParam<reference::Format> {
protected:
    /// Says whether all elements of a block are the definition's, rounded to float.
    testing::AssertionResult isRight(std::span<const std::byte> block) const {
        const reference::Format& format = GetParam();
        std::vector<float> values(format.elements);
        dequantise(format.type, block.data(), values);
        for (std::size_t i = 0; i < values.size(); ++i) {
            const auto expected = static_cast<float>(format.reading(block.data(), i));
            if (std::isnan(expected) ? !std::isnan(values[i]) : bitsOf(values[i]) != bitsOf(expected))
                return testing::AssertionFailure() << "element " << i << " is " << values[i] << " instead of " << expected;
        }
        return testing::AssertionSuccess();
    }
    void setHalves(std::span<std::byte> block, std::uint16_t first, std::uint16_t others) const {
        for (const std::size_t at : GetParam().halves)
            reference::putHalf(block, at, at == GetParam().halves.front() ? first : others);
    }
};

TEST_P(CodeRunsTest, TraitsAreThoseOfGgml) {
    const reference::Format& format = GetParam();
    const TypeTraits* traits = typeTraits(format.id);
    ASSERT_NE(traits, nullptr);
    EXPECT_EQ(traits->name, format.name);
    EXPECT_EQ(traits->blockElements, static_cast<int>(format.elements));
    EXPECT_EQ(traits->blockBytes, static_cast<int>(format.bytes));
}

TEST_P(CodeRunsTest, RandomBlocksAreBitEqualToTheDefinition) {
    std::mt19937_64 random(GetParam().id);
    std::vector<std::byte> block(GetParam().bytes);
    for (int i = 0; i < 3000; ++i) {
        std::generate(block.begin(), block.end(), [&] { return static_cast<std::byte>(random()); });
        ASSERT_TRUE(isRight(block)) << "block " << i;
    }
}

// A byte that fills the block takes every code to every place, every packed scale to every part.
TEST_P(CodeRunsTest, EveryCodeWithExtremeScalesIsBitEqualToTheDefinition) {
    std::vector<std::byte> block(GetParam().bytes);
    for (int byte = 0; byte < 256; ++byte)
        for (const std::uint16_t first : kHalves)
            for (const std::uint16_t others : kHalves) {
                std::fill(block.begin(), block.end(), static_cast<std::byte>(byte));
                setHalves(block, first, others);
                ASSERT_TRUE(isRight(block)) << "byte " << byte << ", halves " << first << " and " << others;
            }
}

// Each bit of a block alone, so that none can stand in for another.
TEST_P(CodeRunsTest, EveryBitMeansWhatTheDefinitionSays) {
    std::vector<std::byte> block(GetParam().bytes);
    for (std::size_t bit = 0; bit < 8 * block.size(); ++bit)
        for (const bool clear : {false, true}) {
            std::fill(block.begin(), block.end(), clear ? std::byte{0xFF} : std::byte{0});
            setHalves(block, 0x3C00, 0x3800);
            block[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
            ASSERT_TRUE(isRight(block)) << "bit " << bit;
        }
}

TEST_P(CodeRunsTest, BlocksFollowEachOther) {
    const reference::Format& format = GetParam();
    std::mt19937_64 random(5);
    const auto bytes = reference::randomBlocks(format, 3 * format.elements, 0.5, random);
    std::vector<float> values(3 * format.elements);
    dequantise(format.type, bytes.data(), values);
    for (std::size_t i = 0; i < values.size(); ++i)
        ASSERT_EQ(values[i],
                  static_cast<float>(format.reading(bytes.data() + i / format.elements * format.bytes, i % format.elements)));
}

INSTANTIATE_TEST_SUITE_P(Formats, CodeRunsTest, testing::ValuesIn(reference::all()),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(HalfOfE8M0Test, EveryExponentIsAPowerOfTwo) {
    for (int exponent = 0; exponent < 255; ++exponent)
        EXPECT_EQ(halfOfE8M0(static_cast<std::uint8_t>(exponent)), std::ldexp(1.0, exponent - 128)) << exponent;
    EXPECT_TRUE(std::isnan(halfOfE8M0(255)));
}

TEST(TensorTypes, AreAllKnownAndNamed) {
    EXPECT_EQ(tensorTypes().size(), reference::all().size() + 3);
    EXPECT_EQ(namesOf(tensorTypes()), "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, "
                                      "IQ4_XS and MXFP4");
    EXPECT_EQ(namesOf(tensorTypes().first(1)), "F32");
}

} // namespace
} // namespace moescope::model

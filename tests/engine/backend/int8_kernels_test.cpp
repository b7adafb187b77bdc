#include "engine/backend/cpu/int8_kernels.h"

#include "tests/engine/backend/packed_fixture.h"

#include <gtest/gtest.h>

namespace moescope::backend {
namespace {

using model::TensorType;
using tests::PackedFixture;

Activations randomActivations(int rows, int columns, std::mt19937_64& random) {
    Activations activations(rows, columns);
    for (int row = 0; row < rows; ++row) {
        const auto values = tests::randomFloats(static_cast<std::size_t>(columns), 3.0F, random);
        std::copy(values.begin(), values.end(), activations.values(row));
        activations.quantise(row, 0, columns);
    }
    return activations;
}

/// [tokens][rows rounded up to 16], computed in two pieces to try ranges.
std::vector<std::vector<float>> run(GroupProduct product, const PackedMatrix& matrix, const Activations& activations,
                                    int tokens) {
    const auto width = static_cast<std::size_t>(matrix.groups()) * kGroupRows;
    std::vector<std::vector<float>> outs(static_cast<std::size_t>(tokens), std::vector<float>(width, -1.0F));
    std::vector<ActivationRow> rows;
    std::vector<float*> targets;
    for (int token = 0; token < tokens; ++token) {
        rows.push_back(activations.row(token));
        targets.push_back(outs[static_cast<std::size_t>(token)].data());
    }
    const int middle = matrix.groups() / 2;
    product(matrix, 0, middle, rows.data(), tokens, targets.data());
    product(matrix, middle, matrix.groups(), rows.data(), tokens, targets.data());
    return outs;
}

/// What a token's digits stand for.
std::vector<float> decoded(const ActivationRow& row, int columns) {
    std::vector<float> values;
    for (int column = 0; column < columns; ++column) {
        const std::int8_t* digits = row.digits + column / kBlockColumns * 2 * kBlockColumns + column % kBlockColumns;
        values.push_back(static_cast<float>(kDigitBase * digits[0] + digits[kBlockColumns]) *
                         row.scales[column / kBlockColumns]);
    }
    return values;
}

class Int8KernelsTest : public testing::TestWithParam<TensorType> {
protected:
    /// Of rows.
    static int unit() { return std::max(kBlockColumns, model::typeTraits(GetParam()).blockElements); }
};

TEST_P(Int8KernelsTest, EveryVariantEqualsTheScalarTwinBitForBit) {
    std::mt19937_64 random(7);
    for (const auto& [rows, units] : {std::pair(16, 1), std::pair(40, 2), std::pair(96, 3), std::pair(33, 5)}) {
        const int columns = units * unit();
        const PackedFixture weights(GetParam(), rows, columns, random);
        for (const int tokens : {1, 2, 3, 4, 7, 13}) {
            const Activations activations = randomActivations(tokens, columns, random);
            const auto expected = run(productOf(int8Variants().back(), GetParam()), weights.matrix, activations, tokens);
            for (const Int8Kernels& variant : int8Variants())
                EXPECT_EQ(run(productOf(variant, GetParam()), weights.matrix, activations, tokens), expected)
                    << variant.name << " " << rows << "x" << columns << ", " << tokens << " tokens";
        }
    }
}

TEST_P(Int8KernelsTest, ExtremeQuantsDoNotOverflow) {
    // All-ones bytes and alternating extremes: -128 in Q8_0, which quantisers avoid and files may hold.
    const int columns = 512;
    const tests::format_reference::Format& format = *tests::format_reference::find(GetParam());
    for (const unsigned pattern : {0x80U, 0x7FU, 0xFFU, 0x00U}) {
        std::vector<std::byte> bytes(16 * 512 / format.elements * format.bytes, static_cast<std::byte>(pattern));
        for (std::size_t block = 0; block < bytes.size(); block += format.bytes) {
            for (const std::size_t half : format.halves)
                tests::format_reference::putHalf(bytes, block + half, 0x3C00);
            if (format.halves.empty())
                bytes[block] = std::byte{128};
        }
        const PackedFixture weights(GetParam(), 16, columns, bytes);
        for (const float value : {1.0F, -1.0F}) {
            Activations activations(1, columns);
            std::fill_n(activations.values(0), columns, value);
            activations.quantise(0, 0, columns);
            const std::vector<float> inputs(static_cast<std::size_t>(columns), value);
            const double expected = tests::plainProduct(weights, inputs)[3];
            for (const Int8Kernels& variant : int8Variants())
                EXPECT_NEAR(run(productOf(variant, GetParam()), weights.matrix, activations, 1)[0][3], expected,
                            tests::plainMagnitudes(weights, inputs)[3] * 2e-6)
                    << variant.name << " pattern " << pattern;
        }
    }
}

// The decoded weights times what the digits stand for: nothing but the order of the additions is left to differ.
TEST_P(Int8KernelsTest, AgreesWithDoubleArithmeticOnTheSameNumbers) {
    std::mt19937_64 random(12);
    const int columns = 5 * unit();
    const PackedFixture weights(GetParam(), 48, columns, random);
    const Activations activations = randomActivations(5, columns, random);
    for (const Int8Kernels& variant : int8Variants()) {
        const auto results = run(productOf(variant, GetParam()), weights.matrix, activations, 5);
        for (int token = 0; token < 5; ++token) {
            const auto inputs = decoded(activations.row(token), columns);
            const auto expected = tests::plainProduct(weights, inputs);
            const auto magnitudes = tests::plainMagnitudes(weights, inputs);
            for (std::size_t row = 0; row < expected.size(); ++row)
                EXPECT_NEAR(results[static_cast<std::size_t>(token)][row], expected[row], magnitudes[row] * 1e-6)
                    << variant.name << " " << token << " " << row;
        }
    }
}

TEST_P(Int8KernelsTest, AgreesWithDoubleArithmeticOnUnquantisedActivations) {
    std::mt19937_64 random(11);
    const PackedFixture weights(GetParam(), 64, 512, random);
    const Activations activations = randomActivations(3, 512, random);
    const auto results = run(productOf(int8Variants().front(), GetParam()), weights.matrix, activations, 3);
    for (int token = 0; token < 3; ++token) {
        const auto expected = tests::plainProduct(weights, std::span(activations.values(token), 512));
        for (std::size_t row = 0; row < expected.size(); ++row)
            EXPECT_NEAR(results[static_cast<std::size_t>(token)][row], expected[row], 2e-3) << token << " " << row;
    }
}

TEST(Int8VariantsTest, AnExponentThatIsNoNumberShowsInTheRow) {
    std::mt19937_64 random(13);
    std::vector<std::byte> bytes(17 * 16, std::byte{0x22});
    for (std::size_t row = 0; row < 16; ++row)
        bytes[17 * row] = row == 5 ? std::byte{255} : std::byte{127};
    const PackedFixture weights(TensorType::MXFP4, 16, 32, bytes);
    const Activations activations = randomActivations(1, 32, random);
    for (const Int8Kernels& variant : int8Variants()) {
        const auto result = run(variant.mxfp4, weights.matrix, activations, 1)[0];
        for (std::size_t row = 0; row < 16; ++row)
            EXPECT_EQ(std::isnan(result[row]), row == 5) << variant.name << " " << row;
    }
}

TEST(Int8VariantsTest, EndsWithTheScalarTwin) {
    ASSERT_FALSE(int8Variants().empty());
    EXPECT_EQ(int8Variants().back().name, "scalar");
}

INSTANTIATE_TEST_SUITE_P(Types, Int8KernelsTest, testing::ValuesIn(model::tensorTypes().subspan(3)),
                         [](const auto& instance) { return std::string(model::typeTraits(instance.param).name); });

} // namespace
} // namespace moescope::backend

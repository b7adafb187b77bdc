#include "engine/backend/cpu/int8_kernels.h"

#include "tests/engine/backend/packed_fixture.h"

#include <gtest/gtest.h>

namespace moescope::backend {
namespace {

using model::TensorType;
using tests::PackedFixture;

GroupProduct productOf(const Int8Kernels& kernels, TensorType type) {
    return type == TensorType::Q8_0 ? kernels.q8 : kernels.q4;
}

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

class Int8KernelsTest : public testing::TestWithParam<TensorType> {};

TEST_P(Int8KernelsTest, EveryVariantEqualsTheScalarTwinBitForBit) {
    std::mt19937_64 random(7);
    for (const auto& [rows, columns] : {std::pair(16, 32), std::pair(40, 64), std::pair(96, 256), std::pair(33, 544)}) {
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
    const int blockBytes = model::typeTraits(GetParam()).blockBytes;
    for (const unsigned pattern : {0x80U, 0x7FU, 0xFFU, 0x00U}) {
        std::vector<std::byte> bytes(static_cast<std::size_t>(16 * columns / 32 * blockBytes), static_cast<std::byte>(pattern));
        for (std::size_t block = 0; block < bytes.size(); block += static_cast<std::size_t>(blockBytes)) {
            bytes[block] = std::byte{0x00};
            bytes[block + 1] = std::byte{0x3C}; // scale 1.0
        }
        const PackedFixture weights(GetParam(), 16, columns, bytes);
        for (const float value : {1.0F, -1.0F}) {
            Activations activations(1, columns);
            std::fill_n(activations.values(0), columns, value);
            activations.quantise(0, 0, columns);
            const double expected =
                tests::plainProduct(weights, std::vector<float>(static_cast<std::size_t>(columns), value))[3];
            for (const Int8Kernels& variant : int8Variants())
                EXPECT_NEAR(run(productOf(variant, GetParam()), weights.matrix, activations, 1)[0][3], expected,
                            std::abs(expected) * 1e-6)
                    << variant.name << " pattern " << pattern;
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
            EXPECT_NEAR(results[static_cast<std::size_t>(token)][row], expected[row], 1e-3) << token << " " << row;
    }
}

TEST(Int8VariantsTest, EndsWithTheScalarTwin) {
    ASSERT_FALSE(int8Variants().empty());
    EXPECT_EQ(int8Variants().back().name, "scalar");
}

INSTANTIATE_TEST_SUITE_P(Types, Int8KernelsTest, testing::Values(TensorType::Q8_0, TensorType::Q4_0),
                         [](const auto& instance) { return std::string(model::typeTraits(instance.param).name); });

} // namespace
} // namespace moescope::backend

#include "engine/backend/cpu/vector_kernels.h"

#include "tests/engine/backend/kernel_targets.h"
#include "tests/engine/backend/packed_fixture.h"

#include <gtest/gtest.h>

namespace moescope::backend {
namespace {

using model::TensorType;

/// Runs `compute` on every instruction set; those with fused multiply-add must give the best one's bits.
template <class Compute>
std::vector<float> onEveryTarget(Compute compute) {
    const std::vector<float> best = compute();
    for (const std::int64_t target : tests::kernelTargets()) {
        const tests::UseTarget use(target);
        const std::vector<float> result = compute();
        for (std::size_t i = 0; i < best.size(); ++i) {
            if (tests::fuses(target))
                EXPECT_EQ(result[i], best[i]) << hwy::TargetName(target) << " at " << i;
            else
                EXPECT_NEAR(result[i], best[i], 1e-5 * (1 + std::abs(best[i]))) << hwy::TargetName(target) << " at " << i;
        }
    }
    return best;
}

TEST(RmsNormTest, AgreesWithDoubleArithmetic) {
    std::mt19937_64 random(3);
    const auto x = tests::randomFloats(288, 5.0F, random);
    const auto weight = tests::randomFloats(288, 2.0F, random);
    const auto result = onEveryTarget([&] {
        std::vector<float> out(x.size());
        rmsNorm(x.data(), weight.data(), 1e-5F, 288, out.data());
        return out;
    });
    double squares = 0;
    for (const float value : x)
        squares += double{value} * value;
    for (std::size_t i = 0; i < x.size(); ++i)
        EXPECT_NEAR(result[i], x[i] / std::sqrt(squares / 288 + 1e-5) * weight[i], 2e-6);
}

TEST(SwiGluTest, AgreesWithDoubleArithmeticAndSurvivesLargeGates) {
    std::mt19937_64 random(4);
    auto gate = tests::randomFloats(96, 12.0F, random);
    gate[0] = 500.0F;
    gate[1] = -500.0F;
    gate[2] = 0.0F;
    const auto up = tests::randomFloats(96, 3.0F, random);
    const auto result = onEveryTarget([&] {
        std::vector<float> out(gate.size());
        swiGlu(gate.data(), up.data(), 96, out.data());
        return out;
    });
    for (std::size_t i = 0; i < gate.size(); ++i) {
        const double expected = gate[i] / (1 + std::exp(-double{gate[i]})) * up[i];
        EXPECT_NEAR(result[i], expected, 1e-6 * (1 + std::abs(expected))) << i;
    }
}

TEST(QuantiseTest, TwoDigitsComeWithinHalfAStepAndCorrectionsAreExact) {
    std::mt19937_64 random(5);
    auto x = tests::randomFloats(128, 7.0F, random);
    std::fill_n(x.begin() + 32, 32, 0.0F);
    std::fill_n(x.begin() + 64, 32, 1e-38F);
    const auto result = onEveryTarget([&] {
        Activations activations(1, 128);
        std::copy(x.begin(), x.end(), activations.values(0));
        activations.quantise(0, 0, 128);
        const ActivationRow row = activations.row(0);
        std::vector<float> decoded;
        for (int column = 0; column < 128; ++column) {
            const std::int8_t* digits = row.digits + column / 32 * 64 + column % 32;
            EXPECT_GE(digits[0], -127);
            EXPECT_GE(digits[32], -127);
            decoded.push_back(static_cast<float>(kDigitBase * digits[0] + digits[32]) * row.scales[column / 32]);
        }
        for (int block = 0; block < 4; ++block) {
            int sum = 0;
            for (int i = 0; i < 32; ++i)
                sum += kDigitBase * row.digits[block * 64 + i] + row.digits[block * 64 + 32 + i];
            EXPECT_EQ(row.corrections[block], -128 * sum);
            EXPECT_EQ(row.sums[2 * block] + row.sums[2 * block + 1], sum);
            int second = 0;
            for (int i = 16; i < 32; ++i)
                second += kDigitBase * row.digits[block * 64 + i] + row.digits[block * 64 + 32 + i];
            EXPECT_EQ(row.sums[2 * block + 1], second);
        }
        return decoded;
    });
    for (std::size_t i = 0; i < x.size(); ++i) {
        float most = 0;
        for (std::size_t j = i / 32 * 32; j < i / 32 * 32 + 32; ++j)
            most = std::max(most, std::abs(x[j]));
        EXPECT_NEAR(result[i], x[i], most / kLargestDigits * 0.51 + 1e-37) << i;
    }
}

class FloatProductTest : public testing::TestWithParam<TensorType> {};

TEST_P(FloatProductTest, AgreesWithDoubleArithmetic) {
    std::mt19937_64 random(6);
    const tests::PackedFixture weights(GetParam(), 40, 96, random);
    const auto x = tests::randomFloats(96, 3.0F, random);
    const auto result = onEveryTarget([&] {
        std::vector<float> out(48);
        float* target = out.data();
        const ActivationRow row{.values = x.data()};
        floatProduct(weights.matrix, 0, 3, &row, 1, &target);
        return out;
    });
    const auto expected = tests::plainProduct(weights, x);
    for (std::size_t row = 0; row < expected.size(); ++row)
        EXPECT_NEAR(result[row], expected[row], 2e-5) << row;
}

INSTANTIATE_TEST_SUITE_P(Types, FloatProductTest, testing::Values(TensorType::F32, TensorType::F16, TensorType::BF16),
                         [](const auto& instance) { return std::string(model::typeTraits(instance.param).name); });

} // namespace
} // namespace moescope::backend

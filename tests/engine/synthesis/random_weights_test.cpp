#include "engine/synthesis/random_weights.h"

#include <gtest/gtest.h>

#include <cmath>

namespace moescope::synthesis {
namespace {

using model::TensorType;

model::PlannedTensor tensor(TensorType type, std::int64_t columns, std::int64_t rows, const char* name = "a.weight") {
    model::GgufPlan plan;
    plan.addTensor(name, type, {columns, rows});
    return plan.tensors().front();
}

std::vector<std::byte> made(const model::PlannedTensor& what, const WeightForm& form, std::uint64_t seed = 1) {
    std::vector<std::byte> out(static_cast<std::size_t>(what.bytes()));
    RandomWeights(what, form, seed).fill({0, 0, what.rows}, out);
    return out;
}

std::vector<float> decoded(const model::PlannedTensor& what, const std::vector<std::byte>& bytes) {
    std::vector<float> values(static_cast<std::size_t>(what.ne[0] * what.rows));
    model::dequantise(what.type, bytes.data(), values);
    return values;
}

constexpr TensorType kTypes[] = {TensorType::F32, TensorType::F16, TensorType::Q8_0, TensorType::Q4_0};

TEST(RandomWeights, HaveTheDeviationAskedForAndNoMean) {
    for (const TensorType type : kTypes) {
        const auto what = tensor(type, 256, 1024);
        const auto values = decoded(what, made(what, {0.05, 0, {}, {}}));
        double sum = 0;
        double squares = 0;
        for (const float value : values) {
            sum += value;
            squares += static_cast<double>(value) * value;
        }
        const auto count = static_cast<double>(values.size());
        // Blocks of Q4_0 have a mean of -d/2 with d of either sign: 8192 of them.
        EXPECT_NEAR(sum / count, 0, 0.05 * 6 / std::sqrt(count)) << model::typeTraits(type).name;
        EXPECT_NEAR(std::sqrt(squares / count), 0.05, 0.0005) << model::typeTraits(type).name;
    }
}

TEST(RandomWeights, DoNotDependOnHowTheRowsAreCut) {
    for (const TensorType type : kTypes) {
        const auto what = tensor(type, 64, 10);
        const WeightForm form{1, 0, 2.0F, {}};
        const RandomWeights weights(what, form, 5);
        std::vector<std::byte> pieces(static_cast<std::size_t>(what.bytes()));
        for (const std::int64_t row : {7, 0, 3, 9, 1, 2, 8, 4, 6, 5})
            weights.fill({0, row, 1}, std::span(pieces).subspan(static_cast<std::size_t>(row * what.rowBytes)));
        EXPECT_EQ(pieces, made(what, form, 5));
    }
}

TEST(RandomWeights, DependOnSeedNameAndPlace) {
    const auto what = tensor(TensorType::Q4_0, 32, 2);
    const WeightForm form{1, 0, {}, {}};
    const auto bytes = made(what, form, 1);
    EXPECT_NE(bytes, made(what, form, 2));
    EXPECT_NE(bytes, made(tensor(TensorType::Q4_0, 32, 2, "b.weight"), form, 1));
    EXPECT_NE(std::vector(bytes.begin(), bytes.begin() + 18), std::vector(bytes.begin() + 18, bytes.end()));
}

TEST(RandomWeights, LeadConstantsAndSilentRowsAreExact) {
    for (const TensorType type : kTypes) {
        const auto what = tensor(type, 64, 4);
        const auto values = decoded(what, made(what, {1, 0, 0.25F, [](std::int64_t row) { return row == 2; }}));
        for (std::size_t i = 0; i < 32; ++i) {
            EXPECT_NEAR(values[i], 0.25, 0.25 * 0x1p-10) << model::typeTraits(type).name;
            EXPECT_EQ(values[2 * 64 + i], 0);
            EXPECT_EQ(values[2 * 64 + 32 + i], 0);
        }
        EXPECT_NE(values[32], values[33]);
    }
}

TEST(RandomWeights, NeverUseTheCodeThatOnlyOneSideHas) {
    const auto what = tensor(TensorType::Q8_0, 32, 4096);
    const auto bytes = made(what, {1, 0, {}, {}});
    for (std::size_t at = 0; at < bytes.size(); at += 34)
        for (std::size_t i = 2; i < 34; ++i)
            ASSERT_NE(bytes[at + i], std::byte{0x80});
}

TEST(RandomWeights, RefuseWhatTheyCannotMake) {
    EXPECT_THROW(RandomWeights(tensor(TensorType::F32, 33, 1), {}, 1), std::invalid_argument);
    EXPECT_THROW(RandomWeights(tensor(TensorType::BF16, 32, 1), {}, 1), std::invalid_argument);
}

} // namespace
} // namespace moescope::synthesis

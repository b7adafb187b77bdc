#include "engine/backend/cuda/row_input.h"

#include "engine/backend/cuda/row_dots.h"
#include "engine/backend/cuda/swiglu.h"
#include "engine/backend/cuda/weight_rows.h"
#include "tests/engine/backend/random_weights.h"

#include <cmath>
#include <gtest/gtest.h>

namespace moescope::backend::cuda {
namespace {

using model::TensorType;

struct Product {
    Product(TensorType type, int columns, std::mt19937_64& random) : x(1, columns), stored(rowBytes(type, columns)) {
        const auto count = static_cast<std::size_t>(columns);
        const auto file = tests::stored(type, tests::randomFloats(count, 0.2F, random));
        packRows(type, file.data(), 1, columns, stored.data());
        decoded.resize(count);
        model::dequantise(type, file.data(), decoded);
        const auto inputs = tests::randomFloats(count, 3.0F, random);
        std::copy(inputs.begin(), inputs.end(), x.values(0));
        x.quantise(0, 0, columns);
        arranged.arrange(type, columns, x.row(0));
    }
    double inDouble() const {
        double sum = 0;
        for (std::size_t i = 0; i < decoded.size(); ++i)
            sum += double{decoded[i]} * double{x.values(0)[i]};
        return sum;
    }
    Activations x;
    std::vector<std::byte> stored;
    std::vector<float> decoded;
    RowInput arranged;
};

/// The GPU's order, written down again: a warp's lanes take chunk after chunk, then meet as a tree, neighbours first.
float asAWarp(TensorType type, const Product& p, int columns) {
    const bool fourBits = type == TensorType::Q4_0;
    const int perChunk = fourBits ? 32 : type == TensorType::Q8_0 ? 16 : type == TensorType::F32 ? 4 : 8;
    const ActivationRow row = p.x.row(0);
    std::vector<float> lanes(32, 0.0F);
    for (int chunk = 0; chunk * perChunk < columns; ++chunk) {
        float& lane = lanes[static_cast<std::size_t>(chunk % 32)];
        const int first = chunk * perChunk;
        if (type != TensorType::Q4_0 && type != TensorType::Q8_0) {
            for (int i = first; i < first + perChunk; ++i)
                lane = std::fma(p.decoded[static_cast<std::size_t>(i)], row.values[i], lane);
            continue;
        }
        const int block = first / 32;
        float scale = 0;
        model::dequantise(TensorType::F16, p.stored.data() + (fourBits ? columns / 2 : columns) + block * 2, {&scale, 1});
        int sum = 0;
        for (int i = first; i < first + perChunk; ++i) {
            const auto byte = static_cast<int>(p.stored[static_cast<std::size_t>(fourBits ? block * 16 + i % 16 : i)]);
            const int weight = fourBits ? (i % 32 < 16 ? byte & 15 : byte >> 4) - 8 : static_cast<std::int8_t>(byte);
            const std::int8_t* digits = row.digits + block * 64 + i % 32;
            sum += weight * (255 * digits[0] + digits[32]);
        }
        lane = std::fma(static_cast<float>(sum), scale * row.scales[block], lane);
    }
    for (std::size_t width = 1; width < 32; width *= 2)
        for (std::size_t lane = 0; lane < 32; lane += 2 * width)
            lanes[lane] += lanes[lane + width];
    return lanes[0];
}

class RowInputTest : public testing::TestWithParam<TensorType> {};

TEST_P(RowInputTest, ProductsHaveAWarpsBitsInEveryVersionAndAreRight) {
    std::mt19937_64 random(11);
    for (const int columns : {32, 96, 160, 512, 544, 1024, 1408, 4096}) {
        const Product p(GetParam(), columns, random);
        const float found = p.arranged.dot(p.stored.data());
        EXPECT_EQ(found, asAWarp(GetParam(), p, columns)) << columns;
        EXPECT_EQ(RowDots::plain(GetParam())(p.arranged, p.stored.data()), found) << columns;
        EXPECT_NEAR(found, p.inDouble(), 2e-3 * std::sqrt(columns)) << columns;
    }
}

TEST_P(RowInputTest, NothingBehindARowIsRead) {
    std::mt19937_64 random(5);
    const Product p(GetParam(), 96, random);
    const float expected = p.arranged.dot(p.stored.data());
    std::vector<std::byte> more = p.stored;
    more.resize(more.size() + 4096, std::byte{0xFF});
    EXPECT_EQ(p.arranged.dot(more.data()), expected);
}

INSTANTIATE_TEST_SUITE_P(Types, RowInputTest,
                         testing::Values(TensorType::F32, TensorType::F16, TensorType::BF16, TensorType::Q8_0,
                                         TensorType::Q4_0),
                         [](const auto& instance) { return std::string(model::typeTraits(instance.param).name); });

TEST(BothSidesSwiGlu, IsRightToFloatAccuracy) {
    for (double gate = -100; gate <= 100; gate += 0.37) {
        const double expected = gate / (1 + std::exp(-gate)) * 1.5;
        EXPECT_NEAR(swiGlu(static_cast<float>(gate), 1.5F), expected, 1e-6 * std::max(1.0, std::abs(expected))) << gate;
    }
    EXPECT_TRUE(std::isnan(swiGlu(std::nanf(""), 1.0F)));
    EXPECT_EQ(swiGlu(0.0F, 1.0F), 0.0F);
}

} // namespace
} // namespace moescope::backend::cuda

// Every kernel against loops in double precision, or against its twin on the CPU.
#include "engine/backend/cuda/kernels.h"

#include "engine/backend/cpu/rope_table.h"
#include "engine/backend/cpu/vector_kernels.h"
#include "engine/backend/cuda/pass_memory.h"
#include "tests/engine/backend/cuda/gpu_arrays.h"

#include <numeric>

namespace moescope::backend::cuda {
namespace {

using model::TensorType;

constexpr TensorType kTypes[] = {TensorType::F32, TensorType::F16, TensorType::BF16, TensorType::Q8_0, TensorType::Q4_0};

std::string typeName(const testing::TestParamInfo<TensorType>& instance) {
    return std::string(model::typeTraits(instance.param).name);
}

class ProductTest : public testing::TestWithParam<TensorType> {};

TEST_P(ProductTest, AgreesWithLoopsInDoubleAndIsTheSameForOneTokenAndForEight) {
    MOESCOPE_NEEDS_GPU();
    std::mt19937_64 random(5);
    for (const auto& [rows, columns] : {std::pair{5, 96}, std::pair{64, 256}, std::pair{129, 1056}, std::pair{17, 2304}}) {
        constexpr int kTokens = 29;
        const tests::GpuMatrix matrix(GetParam(), rows, columns, random);
        const tests::GpuActivations x(kTokens, columns, random);
        const auto count = static_cast<std::size_t>(kTokens * rows);
        const auto together = tests::poisoned(count);
        const auto alone = tests::poisoned(count);
        launchProduct(GetParam(), tests::oneTile<kTileTokens>(matrix, x, 0, kTokens, together.data()), rows, false, nullptr);
        for (int token = 0; token < kTokens; ++token)
            launchProduct(GetParam(), tests::oneTile<1>(matrix, x, token, 1, alone.data()), rows, false, nullptr);
        const auto found = tests::download(together.data(), count);
        EXPECT_EQ(tests::download(alone.data(), count), found);
        for (int token = 0; token < kTokens; ++token)
            for (int row = 0; row < rows; ++row)
                ASSERT_NEAR(found[static_cast<std::size_t>(token * rows + row)], matrix.dot(row, x, token), 2e-5 * columns)
                    << rows << "x" << columns << " token " << token << " row " << row;
        launchProduct(GetParam(), tests::oneTile<1>(matrix, x, 0, 1, alone.data()), rows, true, nullptr);
        EXPECT_EQ(tests::download(alone.data(), 1)[0], found[0] + found[0]);
        const auto routed = tests::poisoned(count);
        launchRouter(GetParam(), tests::oneTile<kTileTokens>(matrix, x, 0, kTokens, routed.data()), rows, nullptr);
        const auto routedTogether = tests::download(routed.data(), count);
        for (int token = 0; token < kTokens; ++token)
            launchRouter(GetParam(), tests::oneTile<1>(matrix, x, token, 1, routed.data()), rows, nullptr);
        EXPECT_EQ(tests::download(routed.data(), count), routedTogether);
        for (std::size_t i = 0; i < count; ++i)
            ASSERT_NEAR(routedTogether[i], found[i], 2e-5 * columns);
    }
}

TEST_P(ProductTest, GateAndUpAreJoinedAndQuantisedAsOnTheCpu) {
    MOESCOPE_NEEDS_GPU();
    constexpr int kWidth = 96;
    constexpr int kColumns = 1184;
    constexpr int kTokens = 21;
    std::mt19937_64 random(6);
    tests::GpuMatrix both(GetParam(), kWidth, kColumns, random, 2);
    const tests::GpuActivations x(kTokens, kColumns, random);
    const cuda::Activations inner(kTokens, kWidth);
    const std::size_t upOffset = both.matrix.bytes();
    const auto valuesOf = [&] { return tests::download(inner.view().values, kTokens * kWidth); };
    launchGateUp(GetParam(), tests::oneTile<kTileTokens>(both, x, 0, kTokens, nullptr), upOffset, inner.view(), nullptr);
    const auto together = valuesOf();
    const auto digits = tests::download(inner.view().digits, 2 * kTokens * kWidth);
    const auto scales = tests::download(inner.view().blocks, kTokens * kWidth / 32);
    for (int token = 0; token < kTokens; ++token)
        launchGateUp(GetParam(), tests::oneTile<1>(both, x, token, 1, nullptr), upOffset, inner.view(), nullptr);
    EXPECT_EQ(valuesOf(), together);
    EXPECT_EQ(tests::download(inner.view().digits, 2 * kTokens * kWidth), digits);
    backend::Activations twin(kTokens, kWidth);
    for (int token = 0; token < kTokens; ++token) {
        for (int row = 0; row < kWidth; ++row) {
            const double gate = both.dot(row, x, token);
            const double expected = gate / (1 + std::exp(-gate)) * both.dot(kWidth + row, x, token);
            const float found = together[static_cast<std::size_t>(token * kWidth + row)];
            ASSERT_NEAR(found, expected, 3e-4 * (1 + std::abs(expected))) << token << " " << row;
            twin.values(token)[row] = found;
        }
        twin.quantise(token, 0, kWidth);
        const ActivationRow row = twin.row(token);
        const auto planes = tests::inPlanes(row.digits, kWidth);
        for (std::size_t i = 0; i < planes.size(); ++i)
            ASSERT_EQ(digits[static_cast<std::size_t>(token) * planes.size() + i], planes[i]);
        for (int block = 0; block < kWidth / 32; ++block) {
            const BlockScale& found = scales[static_cast<std::size_t>(token * kWidth / 32 + block)];
            EXPECT_EQ(found.scale, row.scales[block]);
            EXPECT_EQ(found.sum * -128, row.corrections[block]);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Types, ProductTest, testing::ValuesIn(kTypes), typeName);

TEST(RmsNormKernelTest, AgreesWithTheCpuAndAddsWhatExpertsLeft) {
    MOESCOPE_NEEDS_GPU();
    std::mt19937_64 random(7);
    for (const int columns : {32, 96, 1024, 4096, 6144}) {
        const auto hidden = tests::randomFloats(static_cast<std::size_t>(3 * columns), 3.0F, random);
        const auto weight = tests::randomFloats(static_cast<std::size_t>(columns), 1.0F, random);
        const auto gpuHidden = tests::upload(hidden);
        const auto gpuWeight = tests::upload(weight);
        const cuda::Activations out(3, columns);
        ExpertSum<kFewWeights> sum{};
        launchRmsNorm({gpuHidden.data(), gpuWeight.data(), 1e-5F}, 3, sum, out.view(), nullptr);
        const auto found = tests::download(out.view().values, hidden.size());
        const auto digits = tests::download(out.view().digits, 2 * hidden.size());
        std::vector<float> expected(static_cast<std::size_t>(columns));
        backend::Activations twin(3, columns);
        for (int row = 0; row < 3; ++row) {
            rmsNorm(hidden.data() + row * columns, weight.data(), 1e-5F, columns, expected.data());
            for (int i = 0; i < columns; ++i)
                ASSERT_NEAR(found[static_cast<std::size_t>(row * columns + i)], expected[static_cast<std::size_t>(i)], 3e-6);
            std::copy_n(found.begin() + row * columns, columns, twin.values(row));
            twin.quantise(row, 0, columns);
            const auto planes = tests::inPlanes(twin.row(row).digits, columns);
            for (std::size_t i = 0; i < planes.size(); ++i)
                ASSERT_EQ(digits[static_cast<std::size_t>(row) * planes.size() + i], planes[i]);
        }
        const auto outputs = tests::randomFloats(static_cast<std::size_t>(2 * columns), 1.0F, random);
        const auto gpuOutputs = tests::upload(outputs);
        sum.outputs = gpuOutputs.data();
        sum.ranks = 2;
        sum.weights[0] = 0.6F;
        sum.weights[1] = 0.4F;
        sum.kept[0] = 2;
        launchRmsNorm({gpuHidden.data(), gpuWeight.data(), 1e-5F}, 1, sum, out.view(), nullptr);
        std::vector<float> added(hidden.begin(), hidden.begin() + columns);
        addScaled(outputs.data(), 0.6F, columns, added.data());
        addScaled(outputs.data() + columns, 0.4F, columns, added.data());
        EXPECT_EQ(tests::download(gpuHidden.data(), added.size()), added);
        rmsNorm(added.data(), weight.data(), 1e-5F, columns, expected.data());
        const auto foundAdded = tests::download(out.view().values, added.size());
        for (std::size_t i = 0; i < added.size(); ++i)
            ASSERT_NEAR(foundAdded[i], expected[i], 3e-6);
    }
}

TEST(NormAndRouterKernelTest, GivesTheBitsOfNormAndRouterApart) {
    MOESCOPE_NEEDS_GPU();
    std::mt19937_64 random(11);
    for (const TensorType type : {TensorType::F32, TensorType::F16, TensorType::BF16})
        for (const int columns : {32, 96, 1024, 4096, 6144}) {
            constexpr int kRows = 5;
            const auto hidden = tests::upload(tests::randomFloats(static_cast<std::size_t>(columns), 3.0F, random));
            const auto weight = tests::upload(tests::randomFloats(static_cast<std::size_t>(columns), 1.0F, random));
            const tests::GpuMatrix router(type, kRows, columns, random);
            const tests::GpuActivations unused(1, columns, random);
            const cuda::Activations apart(1, columns);
            const cuda::Activations together(1, columns);
            const auto scores = tests::poisoned(2 * kRows);
            const auto callWith = [&](const ActivationView& input, float* out) {
                TileCall<1> call = tests::oneTile<1>(router, unused, 0, 1, out);
                call.input = input;
                return call;
            };
            const NormCall norm{hidden.data(), weight.data(), 1e-5F};
            launchRmsNorm(norm, 1, {}, apart.view(), nullptr);
            launchRouter(type, callWith(apart.view(), scores.data()), kRows, nullptr);
            launchNormAndRouter(norm, type, callWith(together.view(), scores.data() + kRows), kRows, together.view(), nullptr);
            const auto found = tests::download(scores.data(), 2 * kRows);
            for (std::size_t row = 0; row < kRows; ++row)
                EXPECT_EQ(found[row], found[kRows + row]) << columns;
            const auto count = static_cast<std::size_t>(columns);
            EXPECT_EQ(tests::download(apart.view().values, count), tests::download(together.view().values, count));
            EXPECT_EQ(tests::download(apart.view().digits, 2 * count), tests::download(together.view().digits, 2 * count));
        }
}

TEST(CombineKernelTest, AddsInRankOrderAsTheCpuDoes) {
    MOESCOPE_NEEDS_GPU();
    constexpr int kRows = 3;
    constexpr int kColumns = 288;
    std::mt19937_64 random(8);
    const auto hidden = tests::randomFloats(kRows * kColumns, 1.0F, random);
    const auto outputs = tests::randomFloats(kRows * 2 * kColumns, 1.0F, random);
    const auto gpuOutputs = tests::upload(outputs);
    const auto gpuHidden = tests::upload(hidden);
    ExpertSum<kManyWeights> sum{};
    sum.outputs = gpuOutputs.data();
    sum.ranks = 2;
    sum.firstRow = 1;
    const float weights[] = {0.7F, 0.3F, 1.0F, 9.0F};
    std::copy(std::begin(weights), std::end(weights), sum.weights);
    sum.kept[0] = 2;
    sum.kept[1] = 1;
    launchCombine(gpuHidden.data(), kColumns, 2, sum, nullptr);
    std::vector<float> expected = hidden;
    for (const auto& [row, rank, weight] : {std::tuple{1, 0, 0.7F}, std::tuple{1, 1, 0.3F}, std::tuple{2, 0, 1.0F}})
        addScaled(outputs.data() + (row * 2 + rank) * kColumns, weight, kColumns, expected.data() + row * kColumns);
    EXPECT_EQ(tests::download(gpuHidden.data(), hidden.size()), expected);
}

class ChooseKernelTest : public testing::TestWithParam<bool> {};

TEST_P(ChooseKernelTest, IsTheHostsPlainTopKBitForBitAndGateAndUpUseIt) {
    MOESCOPE_NEEDS_GPU();
    constexpr int kWidth = 64;
    constexpr int kColumns = 96;
    std::mt19937_64 random(10);
    for (const auto& [experts, topK] : {std::pair{8, 2}, std::pair{5, 3}, std::pair{64, 8}, std::pair{128, 8}, std::pair{7, 1}})
        for (int round = 0; round < 8; ++round) {
            const auto count = static_cast<std::size_t>(experts);
            const auto few = static_cast<std::size_t>(topK);
            auto logits = tests::randomFloats(2 * count, 6.0F, random);
            if (round % 4 == 0)
                logits[0] = logits[count - 1] = logits[count / 2];
            std::vector<std::int32_t> slots(count);
            for (int expert = 0; expert < experts; ++expert)
                slots[static_cast<std::size_t>(expert)] = experts - 1 - expert;
            tests::GpuMatrix all(TensorType::Q4_0, kWidth, kColumns, random, 2 * experts);
            const tests::GpuActivations x(1, kColumns, random);
            const cuda::Activations inner(topK, kWidth);
            TileCall<1> call = tests::oneTile<1>(all, x, 0, 1, nullptr);
            call.tiles = topK;
            call.slotBytes = 2 * all.matrix.bytes();
            for (int rank = 0; rank < topK; ++rank) {
                const auto index = static_cast<std::uint16_t>(rank);
                call.tile[rank] = {all.matrix.data, nullptr, kWidth, index, 1};
                call.pair[rank] = {0, index};
            }
            const auto gpuLogits = tests::upload(logits);
            const auto gpuSlots = tests::upload(slots);
            const auto chosen = tests::upload(std::vector<std::int32_t>(few, -1));
            const auto weights = tests::poisoned(few);
            const auto number = tests::upload(std::vector<std::uint32_t>{77});
            const PinnedArray<Told> told(logits.size());
            launchGateUp(TensorType::Q4_0, call, all.matrix.bytes(), inner.view(), nullptr,
                         {gpuLogits.data(), experts, 2, topK, GetParam(), gpuSlots.data(), chosen.data(), weights.data(),
                          told.data(), number.data()});
            const auto foundSlots = tests::download(chosen.data(), few);
            const auto foundWeights = tests::download(weights.data(), few);
            const auto found = tests::download(inner.view().values, few * kWidth);
            std::vector<float> gate(count);
            const auto choice = policy::topKChoice(std::span(logits).first(count), {topK, GetParam()}, gate);
            for (std::size_t rank = 0; rank < few; ++rank) {
                EXPECT_EQ(foundSlots[rank], slots[choice.ids[rank]]);
                EXPECT_EQ(foundWeights[rank], choice.weights[rank]);
                call.tile[rank].matrix += call.slotBytes * static_cast<std::size_t>(slots[choice.ids[rank]]);
            }
            launchGateUp(TensorType::Q4_0, call, all.matrix.bytes(), inner.view(), nullptr);
            EXPECT_EQ(tests::download(inner.view().values, few * kWidth), found);
            for (std::size_t i = 0; i < logits.size(); ++i) {
                EXPECT_EQ(told.data()[i].logit, logits[i]);
                EXPECT_EQ(told.data()[i].number, 77U);
            }
        }
}

INSTANTIATE_TEST_SUITE_P(Renormalise, ChooseKernelTest, testing::Bool());

struct AttentionCase {
    int heads, kvHeads, size, firstPosition, rows;
};

/// Random queries, keys and values of a pass and of what came before it; runs rope and attention.
class AttentionKernelTest : public testing::TestWithParam<AttentionCase> {
protected:
    static constexpr int kCapacity = 700;

    std::vector<float> attend(const AttentionShape& shape, const std::vector<float>& projected, DeviceArray<float>& keys,
                              DeviceArray<float>& values) {
        RopeTable table(10000.0F, shape.size);
        table.reach(kCapacity);
        const auto tableFloats = static_cast<std::size_t>(kCapacity * shape.size / 2);
        const auto cosines = tests::upload(std::vector<float>(table.cosines(0), table.cosines(0) + tableFloats));
        const auto sines = tests::upload(std::vector<float>(table.sines(0), table.sines(0) + tableFloats));
        const auto gpu = tests::upload(projected);
        const auto partial = tests::poisoned(attentionScratch(shape, shape.rows));
        const cuda::Activations out(shape.rows, shape.heads * shape.size);
        float* const keyRows = gpu.data() + shape.heads * shape.size;
        launchRope({shape, gpu.data(), keyRows, keyRows + shape.kvHeads * shape.size, keys.data(), values.data(),
                    cosines.data(), sines.data()},
                   nullptr);
        launchAttention({shape, gpu.data(), keys.data(), values.data(), partial.data()}, out.view(), nullptr);
        const auto count = static_cast<std::size_t>(shape.rows * shape.heads * shape.size);
        const auto found = tests::download(out.view().values, count);
        if (shape.rows == 1 && attendsInOneLaunch(shape)) {
            const auto again = tests::upload(projected);
            float* const rows = again.data() + shape.heads * shape.size;
            const auto position = tests::upload(std::vector<int>{shape.firstPosition});
            const auto finished = tests::upload(std::vector<unsigned>(static_cast<std::size_t>(shape.kvHeads), 0U));
            const cuda::Activations one(1, shape.heads * shape.size);
            launchAttentionOfOne({shape, again.data(), keys.data(), values.data(), partial.data()},
                                 {shape, again.data(), rows, rows + shape.kvHeads * shape.size, keys.data(), values.data(),
                                  cosines.data(), sines.data()},
                                 position.data(), finished.data(), one.view(), nullptr);
            EXPECT_EQ(tests::download(one.view().values, count), found);
            EXPECT_EQ(tests::download(finished.data(), static_cast<std::size_t>(shape.kvHeads)),
                      std::vector<unsigned>(static_cast<std::size_t>(shape.kvHeads), 0U));
        }
        return found;
    }
};

/// One row's attention by plain loops. projected is [positions][stride].
std::vector<double> attendPlainly(const AttentionShape& shape, const std::vector<float>& projected, int position) {
    const auto rotated = [&](int row, int offset, int i) {
        const int pair = i % shape.size / 2;
        const double angle = row * std::pow(10000.0, -2.0 * pair / shape.size);
        const float* at = projected.data() + static_cast<std::ptrdiff_t>(row) * shape.stride + offset + i / 2 * 2;
        return i % 2 == 0 ? at[0] * std::cos(angle) - at[1] * std::sin(angle)
                          : at[0] * std::sin(angle) + at[1] * std::cos(angle);
    };
    std::vector<double> out(static_cast<std::size_t>(shape.heads * shape.size));
    const int keyOffset = shape.heads * shape.size;
    for (int head = 0; head < shape.heads; ++head) {
        const int shared = head / (shape.heads / shape.kvHeads) * shape.size;
        std::vector<double> weights;
        for (int other = 0; other <= position; ++other) {
            double score = 0;
            for (int i = 0; i < shape.size; ++i)
                score += rotated(position, 0, head * shape.size + i) * rotated(other, keyOffset, shared + i);
            weights.push_back(std::exp(score / std::sqrt(double(shape.size))));
        }
        const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
        for (int other = 0; other <= position; ++other)
            for (int i = 0; i < shape.size; ++i)
                out[static_cast<std::size_t>(head * shape.size + i)] +=
                    weights[static_cast<std::size_t>(other)] / total *
                    projected[static_cast<std::size_t>(other * shape.stride + keyOffset + shape.kvHeads * shape.size + shared +
                                                       i)];
    }
    return out;
}

TEST_P(AttentionKernelTest, AgreesWithLoopsInDoubleAndDoesNotDependOnThePass) {
    MOESCOPE_NEEDS_GPU();
    const AttentionCase& c = GetParam();
    AttentionShape shape{.heads = c.heads,
                         .kvHeads = c.kvHeads,
                         .size = c.size,
                         .capacity = kCapacity,
                         .stride = (c.heads + 2 * c.kvHeads) * c.size};
    std::mt19937_64 random(9);
    const int positions = c.firstPosition + c.rows;
    const auto projected = tests::randomFloats(static_cast<std::size_t>(positions * shape.stride), 1.0F, random);
    const auto rowsOf = [&](int first, int count) {
        return std::vector<float>(projected.begin() + first * shape.stride, projected.begin() + (first + count) * shape.stride);
    };
    const auto cacheFloats = static_cast<std::size_t>(c.kvHeads * kCapacity * c.size);
    auto keys = tests::poisoned(cacheFloats);
    auto values = tests::poisoned(cacheFloats);
    shape.rows = c.firstPosition;
    if (c.firstPosition > 0)
        attend(shape, rowsOf(0, c.firstPosition), keys, values);
    shape.firstPosition = c.firstPosition;
    shape.rows = c.rows;
    const auto together = attend(shape, rowsOf(c.firstPosition, c.rows), keys, values);
    const auto width = static_cast<std::size_t>(c.heads * c.size);
    for (int row = 0; row < c.rows; ++row) {
        shape.firstPosition = c.firstPosition + row;
        shape.rows = 1;
        const auto alone = attend(shape, rowsOf(shape.firstPosition, 1), keys, values);
        const auto expected = attendPlainly(shape, projected, shape.firstPosition);
        for (std::size_t i = 0; i < width; ++i) {
            ASSERT_EQ(alone[i], together[static_cast<std::size_t>(row) * width + i]) << row << " " << i;
            ASSERT_NEAR(alone[i], expected[i], 2e-5) << row << " " << i;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, AttentionKernelTest,
                         testing::Values(AttentionCase{8, 4, 32, 0, 9}, AttentionCase{6, 2, 16, 120, 20},
                                         AttentionCase{8, 2, 128, 250, 8}, AttentionCase{8, 8, 8, 500, 3},
                                         AttentionCase{10, 2, 64, 60, 10}),
                         [](const auto& instance) {
                             return "Size" + std::to_string(instance.param.size) + "From" +
                                    std::to_string(instance.param.firstPosition);
                         });

} // namespace
} // namespace moescope::backend::cuda

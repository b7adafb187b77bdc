#include "engine/backend/cpu/attention_kernels.h"

#include "engine/backend/cpu/kv_cache.h"
#include "tests/engine/backend/kernel_targets.h"
#include "tests/engine/backend/random_weights.h"

#include <gtest/gtest.h>

namespace moescope::backend {
namespace {

struct Scene {
    int heads;
    int size;
    int positions;
    std::vector<float> queries;
    std::vector<std::vector<float>> keys;
    std::vector<std::vector<float>> values;
    KvCache cache;

    Scene(int headCount, int headSize, int count)
        : heads(headCount), size(headSize), positions(count), cache({2, 2, headSize, count + 5}) {
        std::mt19937_64 random(static_cast<std::uint64_t>(headCount * 1000 + headSize + count));
        const auto width = static_cast<std::size_t>(headSize);
        queries = tests::randomFloats(static_cast<std::size_t>(headCount) * width, 1.5F, random);
        for (int position = 0; position < count + 5; ++position) {
            keys.push_back(tests::randomFloats(width, 1.5F, random));
            values.push_back(tests::randomFloats(width, 1.5F, random));
            // Entries beyond `positions` are there too, as after a truncation, and must not be seen.
            cache.store(1, 1, position, keys.back().data(), values.back().data());
        }
    }

    std::vector<float> attend() {
        std::vector<float> out(queries.size());
        std::vector<float> scores(static_cast<std::size_t>(2 * scoreStride(positions)));
        attendHeads({queries.data(), cache.keys(1, 1), cache.values(1, 1), out.data(), heads, positions, size}, scores.data());
        return out;
    }

    double expected(int head, int dimension) const {
        std::vector<double> weights;
        double sum = 0;
        for (int position = 0; position < positions; ++position) {
            double score = 0;
            for (int i = 0; i < size; ++i)
                score += double{queries[static_cast<std::size_t>(head * size + i)]} *
                         double{keys[static_cast<std::size_t>(position)][static_cast<std::size_t>(i)]};
            weights.push_back(std::exp(score));
            sum += weights.back();
        }
        double out = 0;
        for (int position = 0; position < positions; ++position)
            out += weights[static_cast<std::size_t>(position)] / sum *
                   double{values[static_cast<std::size_t>(position)][static_cast<std::size_t>(dimension)]};
        return out;
    }
};

TEST(AttentionTest, AgreesWithDoubleArithmeticOnEveryInstructionSet) {
    for (const auto& [heads, size, positions] :
         {std::tuple(1, 8, 1), std::tuple(2, 32, 3), std::tuple(3, 32, 16), std::tuple(4, 80, 17), std::tuple(2, 20, 130)}) {
        Scene scene(heads, size, positions);
        const auto best = scene.attend();
        for (int head = 0; head < heads; ++head)
            for (int i = 0; i < size; ++i)
                EXPECT_NEAR(best[static_cast<std::size_t>(head * size + i)], scene.expected(head, i), 3e-6)
                    << heads << " heads of " << size << ", " << positions << " positions";
        for (const std::int64_t target : tests::kernelTargets()) {
            const tests::UseTarget use(target);
            const auto other = scene.attend();
            for (std::size_t i = 0; i < best.size(); ++i) {
                if (tests::fuses(target))
                    EXPECT_EQ(other[i], best[i]) << hwy::TargetName(target);
                else
                    EXPECT_NEAR(other[i], best[i], 1e-5) << hwy::TargetName(target);
            }
        }
    }
}

TEST(AttentionTest, HeadsDoNotInfluenceEachOther) {
    Scene scene(3, 32, 50);
    const auto together = scene.attend();
    for (std::size_t head = 0; head < 3; ++head) {
        std::vector<float> alone(32);
        std::vector<float> scores(static_cast<std::size_t>(2 * scoreStride(50)));
        attendHeads(
            {scene.queries.data() + head * 32, scene.cache.keys(1, 1), scene.cache.values(1, 1), alone.data(), 1, 50, 32},
            scores.data());
        for (std::size_t i = 0; i < 32; ++i)
            EXPECT_EQ(alone[i], together[head * 32 + i]);
    }
}

TEST(RotatePairsTest, TurnsEachPairByItsAngle) {
    for (const int size : {8, 32, 70}) {
        std::mt19937_64 random(9);
        const auto width = static_cast<std::size_t>(size);
        const auto before = tests::randomFloats(width, 1.0F, random);
        std::vector<float> cosines;
        std::vector<float> sines;
        for (int pair = 0; pair < size / 2; ++pair) {
            cosines.push_back(static_cast<float>(std::cos(0.3 * pair)));
            sines.push_back(static_cast<float>(std::sin(0.3 * pair)));
        }
        for (const std::int64_t target : tests::kernelTargets()) {
            const tests::UseTarget use(target);
            auto after = before;
            rotatePairs(after.data(), cosines.data(), sines.data(), size);
            for (std::size_t pair = 0; pair < width / 2; ++pair) {
                const double angle = 0.3 * static_cast<double>(pair);
                EXPECT_NEAR(after[2 * pair], before[2 * pair] * std::cos(angle) - before[2 * pair + 1] * std::sin(angle), 1e-6);
                EXPECT_NEAR(after[2 * pair + 1], before[2 * pair] * std::sin(angle) + before[2 * pair + 1] * std::cos(angle),
                            1e-6);
            }
        }
    }
}

} // namespace
} // namespace moescope::backend

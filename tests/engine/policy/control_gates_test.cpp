// The controls: static-k, score, top-p, ratio, random.
#include "tests/engine/policy/gate_fixture.h"

#include <gmock/gmock.h>

namespace moescope::policy {
namespace {

int keptBy(std::string_view gate, double threshold, std::initializer_list<double> weights, RouterRule rule = {},
           int layer = 0) {
    const auto policy = makeGatePolicy(gate, {.threshold = threshold, .sensitivity = {}});
    const auto logits = logitsOfWeights(weights);
    return chooseWith(*policy, {.layer = layer, .logits = logits, .rule = rule}).kept;
}

TEST(StaticK, WholeNumbersAreTheSameForEveryLayer) {
    for (int layer = 0; layer < 5; ++layer) {
        EXPECT_EQ(keptBy("static-k", 1, {.4, .3, .2, .1}, {.topK = 4}, layer), 3);
        EXPECT_EQ(keptBy("static-k", 2, {.4, .3, .2, .1}, {.topK = 4}, layer), 2);
        EXPECT_EQ(keptBy("static-k", 9, {.4, .3, .2, .1}, {.topK = 4}, layer), 1);
    }
}

TEST(StaticK, FractionsAreSpreadOverTheLayers) {
    for (const auto& [fewer, total] : {std::pair{0.5, 16}, {0.25, 8}, {0.75, 24}, {1.5, 48}, {0.1, 3}}) {
        int dropped = 0;
        for (int layer = 0; layer < 32; ++layer)
            dropped += 4 - keptBy("static-k", fewer, {.4, .3, .2, .1}, {.topK = 4}, layer);
        EXPECT_EQ(dropped, total) << fewer;
    }
}

TEST(Score, DropsWeightsUpToTheThreshold) {
    EXPECT_EQ(keptBy("score", .24, {.75, .25}), 2);
    EXPECT_EQ(keptBy("score", .26, {.75, .25}), 1);
    EXPECT_EQ(keptBy("score", .99, {.75, .25}), 1);
    // As the model would use them: renormalised over the four chosen they are .5, .25, .15, .1.
    const auto seven = {.4, .2, .12, .08, .07, .07, .06};
    EXPECT_EQ(keptBy("score", .12, seven, {.topK = 4}), 3);
    EXPECT_EQ(keptBy("score", .12 + 1e-6, seven, {.topK = 4, .renormalise = false}), 2);
    EXPECT_EQ(keptBy("score", .09, seven, {.topK = 4, .renormalise = false}), 3);
}

TEST(TopP, KeepsTheSmallestPrefixOfItsShare) {
    const RouterRule four{.topK = 4};
    EXPECT_EQ(keptBy("top-p", .09, {.5, .25, .15, .1}, four), 4);
    EXPECT_EQ(keptBy("top-p", .11, {.5, .25, .15, .1}, four), 3);
    EXPECT_EQ(keptBy("top-p", .26, {.5, .25, .15, .1}, four), 2);
    EXPECT_EQ(keptBy("top-p", .51, {.5, .25, .15, .1}, four), 1);
    // Without renormalisation the share counts, not the mass: .13 of .88 are 14.8 %.
    EXPECT_EQ(keptBy("top-p", .1, {.5, .25, .13, .04, .04, .04}, {.topK = 3, .renormalise = false}), 3);
    EXPECT_EQ(keptBy("top-p", .15, {.5, .25, .13, .04, .04, .04}, {.topK = 3, .renormalise = false}), 2);
}

TEST(Ratio, IsTheRuleOfNaeeAndTheSkipBandOfHobbit) {
    // MC-MoE publishes ratios of 0.40 to 0.62: the second is skipped while w2 < beta * w1.
    EXPECT_EQ(keptBy("ratio", .493, {.68, .32}), 1); // .471
    EXPECT_EQ(keptBy("ratio", .493, {.66, .34}), 2); // .515
    // HOBBIT's T2 = 0.9 is a ratio of 0.111: {.92, .08} is skipped, {.70, .30} is not.
    EXPECT_EQ(keptBy("ratio", 1. / 9, {.92, .08}), 1);
    EXPECT_EQ(keptBy("ratio", 1. / 9, {.70, .30}), 2);
    EXPECT_EQ(keptBy("ratio", 1, {.5, .5}), 2);
}

TEST(Random, DropsAtItsRateWhateverTheWeight) {
    const auto logits = logitsOfWeights({.5, .3, .15, .05});
    for (const double rate : {0.13, 0.5, 0.8}) {
        const auto policy = makeGatePolicy("random", {.threshold = rate, .sensitivity = {}});
        std::array<int, 4> dropped{};
        constexpr int kTokens = 20'000;
        for (int token = 0; token < kTokens; ++token) {
            const GateChoice choice = chooseWith(
                *policy, {.layer = token % 5, .logits = logits, .rule = {.topK = 4}, .token = trace::TokenIndex(token)});
            for (int rank = choice.kept; rank < 4; ++rank)
                ++dropped[choice.ids[static_cast<std::size_t>(rank)]];
        }
        EXPECT_EQ(dropped[0], 0);
        for (int rank = 1; rank < 4; ++rank) // five standard errors of a fair die
            EXPECT_NEAR(dropped[static_cast<std::size_t>(rank)], rate * kTokens, 5 * std::sqrt(rate * (1 - rate) * kTokens));
    }
}

TEST(Random, DependsOnSeedTokenAndLayerOnly) {
    const auto logits = logitsOfWeights({.6, .4});
    const auto other = logitsOfWeights({.9, .1});
    int differentSeeds = 0;
    int differentLayers = 0;
    for (int token = 0; token < 500; ++token) {
        const auto keptFor = [&](std::uint64_t seed, int layer, std::span<const float> which) {
            GateParameters parameters{.threshold = 0.5, .sensitivity = {}};
            parameters.seed = seed;
            return chooseWith(*makeGatePolicy("random", parameters),
                              {.layer = layer, .logits = which, .rule = {}, .token = trace::TokenIndex(token)})
                .kept;
        };
        ASSERT_EQ(keptFor(0, 3, logits), keptFor(0, 3, other));
        differentSeeds += keptFor(0, 3, logits) != keptFor(1, 3, logits) ? 1 : 0;
        differentLayers += keptFor(0, 3, logits) != keptFor(0, 4, logits) ? 1 : 0;
    }
    EXPECT_NEAR(differentSeeds, 250, 60);
    EXPECT_NEAR(differentLayers, 250, 60);
}

TEST(Random, ALargerRateDropsWhatASmallerOneDoes) {
    const auto logits = logitsOfWeights({.5, .3, .15, .05});
    for (int token = 0; token < 300; ++token) {
        std::set<int> before{0, 1, 2, 3};
        for (const double rate : {0.1, 0.4, 0.7, 1.0}) {
            const auto policy = makeGatePolicy("random", {.threshold = rate, .sensitivity = {}});
            const GateChoice choice =
                chooseWith(*policy, {.layer = 1, .logits = logits, .rule = {.topK = 4}, .token = trace::TokenIndex(token)});
            const std::set<int> kept(choice.ids.begin(), choice.ids.begin() + choice.kept);
            ASSERT_TRUE(std::includes(before.begin(), before.end(), kept.begin(), kept.end()));
            before = kept;
        }
        ASSERT_EQ(before, std::set<int>{0});
    }
}

} // namespace
} // namespace moescope::policy

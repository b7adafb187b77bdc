#include "engine/policy/adapmoe_policy.h"

#include <array>
#include <cmath>
#include <gmock/gmock.h>
#include <random>

namespace moescope::policy {
namespace {

std::vector<float> logitsOfWeights(std::initializer_list<double> weights) {
    std::vector<float> logits;
    for (const double weight : weights)
        logits.push_back(static_cast<float>(std::log(weight)));
    return logits;
}

GateChoice chooseWith(const GatePolicy& policy, std::span<const float> logits, RouterRule rule, int layer = 0) {
    std::vector<float> p(logits.size());
    return policy.choose({.layer = layer, .logits = logits, .rule = rule}, p);
}

/// Sensitivities of Mixtral-8x7B and the second weight below which the published code drops at T = 0.005 (AdapMoE's table).
struct Published {
    double sensitivity;
    double dropBelow;
};
constexpr std::array<Published, 32> kMixtral{
    {{46.69, .0103},  {17.3, .0170},   {13.02, .0196},  {7.641, .0256},  {4.169, .0346},  {2.23, .0474},   {1.256, .0631},
     {.8445, .0769},  {.6838, .0855},  {.5603, .0945},  {.5126, .0988},  {.478, .1023},   {.4454, .1060},  {.4356, .1071},
     {.3836, .1142},  {.3099, .1270},  {.2331, .1465},  {.1761, .1685},  {.1384, .1901},  {.1138, .2096},  {.1047, .2185},
     {.09543, .2289}, {.08625, .2408}, {.07713, .2546}, {.06938, .2685}, {.06109, .2861}, {.05025, .3155}, {.04256, .3428},
     {.0335, .3863},  {.02527, .4448}, {.02068, .4917}, {.02295, .4668}}};

TEST(AdapmoePolicy, DropsWhereThePublishedTableSays) {
    GateParameters parameters{.threshold = 0.005, .sensitivity = {}};
    for (const Published& row : kMixtral)
        parameters.sensitivity.push_back(row.sensitivity);
    const AdapmoePolicy policy(parameters);
    for (std::size_t layer = 0; layer < kMixtral.size(); ++layer) {
        const double edge = kMixtral[layer].dropBelow;
        const double below = edge - 0.0002;
        const double above = edge + 0.0002;
        const int index = static_cast<int>(layer);
        EXPECT_EQ(chooseWith(policy, logitsOfWeights({below, 1 - below, 1e-12}), {}, index).kept, 1) << layer;
        EXPECT_EQ(chooseWith(policy, logitsOfWeights({above, 1 - above, 1e-12}), {}, index).kept, 2) << layer;
    }
}

TEST(AdapmoePolicy, TheSurvivorIsTheBestExpertWithWeightOne) {
    const AdapmoePolicy policy({.threshold = 1, .sensitivity = {1}});
    const GateChoice choice = chooseWith(policy, logitsOfWeights({.05, .1, .6, .25}), {.topK = 2});
    ASSERT_EQ(choice.candidates, 2);
    ASSERT_EQ(choice.kept, 1);
    EXPECT_EQ(choice.ids[0], 2);
    EXPECT_EQ(choice.ids[1], 3);
    EXPECT_EQ(choice.weights[0], 1.0F);
    EXPECT_NEAR(choice.droppedShare(), .25 / .85, 1e-6);
    EXPECT_NEAR(choice.candidateWeights[1], .25 / .85, 1e-6);
}

TEST(AdapmoePolicy, WithoutRenormalisationWeightsStayAsTheyAre) {
    const AdapmoePolicy policy({.threshold = .05 * .05 + 1e-6, .sensitivity = {1}});
    const GateChoice choice = chooseWith(policy, logitsOfWeights({.5, .3, .15, .05}), {.topK = 4, .renormalise = false});
    ASSERT_EQ(choice.kept, 3);
    EXPECT_NEAR(choice.weights[0], .5, 1e-6);
    EXPECT_NEAR(choice.weights[2], .15, 1e-6);
}

TEST(AdapmoePolicy, WithoutRenormalisationTheNormsOfTheDroppedCount) {
    GateParameters parameters{.threshold = 0, .sensitivity = {2}};
    parameters.paperSensitivity = {2};
    parameters.expertNorm = {{1, 3, .5, 7.5}}; // mean 3
    const RouterRule raw{.topK = 4, .renormalise = false};
    const auto logits = logitsOfWeights({.5, .3, .15, .05});
    const auto keptAt = [&](double dropped, AdapmoePolicy::Form form, RouterRule rule) {
        parameters.threshold = dropped * dropped * 2;
        return chooseWith(AdapmoePolicy(parameters, form), logits, rule).kept;
    };
    // The paper's form: .05 * 7.5 = .375, and .15 * .5 = .075 on top of it.
    EXPECT_EQ(keptAt(.374, AdapmoePolicy::Form::Paper, raw), 4);
    EXPECT_EQ(keptAt(.376, AdapmoePolicy::Form::Paper, raw), 3);
    EXPECT_EQ(keptAt(.449, AdapmoePolicy::Form::Paper, raw), 3);
    EXPECT_EQ(keptAt(.451, AdapmoePolicy::Form::Paper, raw), 2);
    // The refined form already holds the mean size: norms are 2.5 and 1/6 of the mean.
    EXPECT_EQ(keptAt(.124, AdapmoePolicy::Form::Refined, raw), 4);
    EXPECT_EQ(keptAt(.126, AdapmoePolicy::Form::Refined, raw), 3);
    EXPECT_EQ(keptAt(.151, AdapmoePolicy::Form::Refined, raw), 2);
    // Where the model renormalises the perturbation is a difference of experts: norms do not enter.
    EXPECT_EQ(keptAt(.051, AdapmoePolicy::Form::Paper, {.topK = 4}), 3);
}

TEST(AdapmoePolicy, ThePapersFormUsesThePapersSensitivities) {
    GateParameters parameters{.threshold = .01, .sensitivity = {.1}};
    parameters.paperSensitivity = {4};
    const auto logits = logitsOfWeights({.9, .1});
    EXPECT_EQ(chooseWith(*makeGatePolicy("adapmoe", parameters), logits, {}).kept, 1);
    EXPECT_EQ(chooseWith(*makeGatePolicy("adapmoe-paper", parameters), logits, {}).kept, 2);
    EXPECT_THROW(makeGatePolicy("adapmoe-paper", {.threshold = .1, .sensitivity = {1}}), std::invalid_argument);
}

TEST(AdapmoePolicy, ThresholdZeroIsExactlyTopK) {
    const AdapmoePolicy policy({.threshold = 0, .sensitivity = {0, 1}});
    EXPECT_TRUE(policy.lossless());
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0, 30); // wide: second weights underflow to zero
    for (int round = 0; round < 300; ++round) {
        std::vector<float> logits(8);
        for (float& x : logits)
            x = normal(random);
        std::vector<float> p(8);
        const GateChoice plain = topKChoice(logits, {}, p);
        const GateChoice gated = chooseWith(policy, logits, {}, round % 2);
        ASSERT_EQ(gated.kept, 2);
        ASSERT_EQ(gated.ids, plain.ids);
        ASSERT_EQ(gated.weights, plain.weights);
    }
}

TEST(AdapmoePolicy, KeepsTheSmallestPrefixAllowed) {
    std::mt19937 random(11);
    std::normal_distribution<float> normal(0, 1.5F);
    std::uniform_real_distribution<double> uniform(0, 1);
    for (int round = 0; round < 1000; ++round) {
        const double sensitivity = uniform(random) * 4;
        const double threshold = uniform(random) * uniform(random);
        const AdapmoePolicy policy({.threshold = threshold, .sensitivity = {sensitivity}});
        EXPECT_EQ(policy.lossless(), threshold <= 0);
        std::vector<float> logits(16);
        for (float& x : logits)
            x = normal(random);
        const RouterRule rule{.topK = 1 + round % 8, .renormalise = round % 3 != 0};
        const GateChoice choice = chooseWith(policy, logits, rule);
        int expected = choice.candidates;
        for (int kept = choice.candidates; kept >= 1; --kept) {
            double dropped = 0;
            for (int i = choice.candidates - 1; i >= kept; --i)
                dropped += static_cast<double>(choice.candidateWeights[static_cast<std::size_t>(i)]);
            if (dropped * dropped * sensitivity <= threshold)
                expected = kept;
        }
        ASSERT_EQ(choice.kept, expected);
        ASSERT_GE(choice.kept, 1);
        float sum = 0;
        for (int i = 0; i < choice.kept; ++i)
            sum += choice.weights[static_cast<std::size_t>(i)];
        if (rule.renormalise) {
            ASSERT_NEAR(sum, 1, 1e-5);
        }
    }
}

TEST(AdapmoePolicy, ALayerWithoutSensitivityIsNotGated) {
    const AdapmoePolicy policy({.threshold = 10, .sensitivity = {1}});
    EXPECT_EQ(chooseWith(policy, logitsOfWeights({.9, .1}), {}, 0).kept, 1);
    EXPECT_EQ(chooseWith(policy, logitsOfWeights({.9, .1}), {}, 1).kept, 2);
}

TEST(AdapmoePolicy, MissingOrImpossibleParametersAreRefused) {
    EXPECT_THROW(AdapmoePolicy({.threshold = 0.1, .sensitivity = {}}), std::invalid_argument);
    EXPECT_THROW(AdapmoePolicy({.threshold = -0.1, .sensitivity = {1}}), std::invalid_argument);
    EXPECT_THROW(AdapmoePolicy({.threshold = std::nan(""), .sensitivity = {1}}), std::invalid_argument);
    EXPECT_THROW(AdapmoePolicy({.threshold = 0.1, .sensitivity = {1, -1}}), std::invalid_argument);
}

} // namespace
} // namespace moescope::policy

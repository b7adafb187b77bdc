#include "engine/policy/target_k.h"

#include "engine/policy/expected_kept.h"
#include "tests/engine/policy/gate_fixture.h"

#include <algorithm>
#include <gmock/gmock.h>

namespace moescope::policy {
namespace {

constexpr int kLayers = 4;
constexpr int kExperts = 8;

std::vector<float> softmaxOf(const std::vector<float>& logits) {
    std::vector<float> p(logits.size());
    topKChoice(logits, {}, p);
    return p;
}

DecisionTrace randomTrace(int tokens, RouterRule rule = {}) {
    std::mt19937 random(41);
    DecisionTrace trace(kExperts, rule);
    for (int token = 0; token < tokens; ++token)
        for (int layer = 0; layer < kLayers; ++layer)
            trace.add(layer, trace::TokenIndex(token), softmaxOf(randomLogits(random, kExperts)));
    return trace;
}

TEST(FindThreshold, FindsTheStepOfAFallingFunction) {
    for (const double step : {3e-9, 0.004, 0.7, 19.0, 99'999.0}) {
        const auto found = findThreshold([step](double threshold) { return threshold < step ? 2.0 : 1.0; }, 1.5);
        EXPECT_TRUE(found.reached);
        EXPECT_NEAR(found.threshold / step, 1, 1e-9);
        EXPECT_EQ(found.meanExperts, 1.0);
    }
    const auto line = findThreshold([](double threshold) { return 2 - threshold; }, 1.75);
    EXPECT_NEAR(line.threshold, 0.25, 1e-9);
    EXPECT_NEAR(line.meanExperts, 1.75, 1e-9);
}

TEST(FindThreshold, NothingNeedsToBeDroppedOrNotEnoughCanBe) {
    const auto level = [](double) { return 1.4; };
    EXPECT_EQ(findThreshold(level, 1.5).threshold, 0);
    const auto never = findThreshold(level, 1.2);
    EXPECT_FALSE(never.reached);
    EXPECT_EQ(never.meanExperts, 1.4);
}

class EveryTail : public testing::TestWithParam<std::string> {};

TEST_P(EveryTail, MeetsItsTargetOnTheTrace) {
    const DecisionTrace trace = randomTrace(2000);
    for (const double target : {1.9, 1.5, 1.25}) {
        GateParameters parameters = parametersFor(kLayers, kExperts);
        const auto found = thresholdForMeanK(GetParam(), parameters, trace, target);
        EXPECT_TRUE(found.reached);
        EXPECT_LE(found.meanExperts, target);
        // Static k comes in steps of one layer.
        EXPECT_NEAR(found.meanExperts, target, GetParam() == "static-k" ? 0.25 : 0.001);
        parameters.threshold = found.threshold;
        EXPECT_EQ(trace.keptBy(*makeGatePolicy(GetParam(), parameters)).meanExperts, found.meanExperts);
        parameters.threshold = found.threshold * (1 - 1e-6);
        EXPECT_GT(trace.keptBy(*makeGatePolicy(GetParam(), parameters)).meanExperts, target) << "it is not the smallest";
    }
}

INSTANTIATE_TEST_SUITE_P(Names, EveryTail,
                         testing::Values("adapmoe", "adapmoe-paper", "adapmoe-pair", "score", "top-p", "ratio", "random",
                                         "static-k"),
                         [](const auto& instance) {
                             std::string name = instance.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

TEST(ThresholdForMeanK, ForTopTwoAndScoreItIsAQuantileOfTheSecondWeight) {
    const DecisionTrace trace = randomTrace(500);
    std::mt19937 random(41); // the same decisions
    std::vector<float> second;
    for (int i = 0; i < 500 * kLayers; ++i) {
        auto p = softmaxOf(randomLogits(random, kExperts));
        std::sort(p.begin(), p.end(), std::greater<>());
        second.push_back(p[1] / (p[0] + p[1]));
    }
    std::sort(second.begin(), second.end());
    const auto found = thresholdForMeanK("score", {.threshold = 9, .sensitivity = {}}, trace, 1.6);
    EXPECT_NEAR(found.threshold, second[800 - 1], 1e-5); // 40 % of 2000 drop one
    EXPECT_NEAR(trace.keptBy(*makeGatePolicy("score", {.threshold = found.threshold, .sensitivity = {}})).singleShare, .4,
                1e-3);
}

TEST(ThresholdForMeanK, OverridesAreKept) {
    GateParameters parameters = parametersFor(kLayers, kExperts);
    parameters.overrides = {{0, 0}, {1, 0}};
    const auto found = thresholdForMeanK("adapmoe", parameters, randomTrace(500), 1.75);
    EXPECT_NEAR(found.meanExperts, 1.75, 0.001);
    EXPECT_FALSE(thresholdForMeanK("adapmoe", parameters, randomTrace(500), 1.4).reached);
}

TEST(ThresholdForMeanK, ResidencyGetsThePairsThreshold) {
    const DecisionTrace trace = randomTrace(500);
    const GateParameters parameters = parametersFor(kLayers, kExperts);
    const auto pair = thresholdForMeanK("adapmoe-pair", parameters, trace, 1.5);
    const auto residency = thresholdForMeanK("adapmoe-residency", parameters, trace, 1.5);
    EXPECT_EQ(residency.threshold, pair.threshold);
    EXPECT_NEAR(residency.singleShare, 0.5, 0.001);
    EXPECT_TRUE(foundForAnotherGate("adapmoe-residency"));
    EXPECT_FALSE(foundForAnotherGate("adapmoe-pair"));
}

TEST(ThresholdForMeanK, ThePhaseInWhichTheGateActsDoesNotCount) {
    GateParameters parameters = parametersFor(kLayers, kExperts);
    parameters.phases = GatePhases::Prefill;
    EXPECT_NEAR(thresholdForMeanK("adapmoe", parameters, randomTrace(500), 1.5).meanExperts, 1.5, 0.001);
}

TEST(ThresholdForMeanK, ImpossibleQuestionsAreRefused) {
    const GateParameters none{.threshold = 0, .sensitivity = {}};
    EXPECT_THROW(thresholdForMeanK("score", none, randomTrace(1), 0.9), std::invalid_argument);
    EXPECT_THROW(thresholdForMeanK("score", none, randomTrace(1), std::nan("")), std::invalid_argument);
    EXPECT_THROW(thresholdForMeanK("score", none, randomTrace(0), 1.5), std::invalid_argument);
    EXPECT_THROW(thresholdForMeanK("adapmoe", none, randomTrace(1), 1.5), std::invalid_argument);
    EXPECT_THROW(thresholdForMeanK("topk", none, randomTrace(1), 1.5), std::invalid_argument);
    EXPECT_THROW(DecisionTrace(0, {}), std::invalid_argument);
    DecisionTrace trace(3, {});
    EXPECT_THROW(trace.add(0, trace::TokenIndex(0), std::vector<float>(2)), std::invalid_argument);
}

TEST(ExpectedKept, ForecastsWhatTheGatesDo) {
    constexpr int kTokens = 4000;
    const DecisionTrace trace = randomTrace(kTokens);
    std::mt19937 random(41);
    std::vector<std::vector<double>> second(kLayers);
    for (int i = 0; i < kTokens * kLayers; ++i) {
        auto p = softmaxOf(randomLogits(random, kExperts));
        std::sort(p.begin(), p.end(), std::greater<>());
        second[static_cast<std::size_t>(i % kLayers)].push_back(static_cast<double>(p[1] / (p[0] + p[1])));
    }
    std::vector<std::vector<double>> quantiles(kLayers);
    for (std::size_t layer = 0; layer < kLayers; ++layer) {
        std::sort(second[layer].begin(), second[layer].end());
        for (std::size_t q = 0; q <= 20; ++q)
            quantiles[layer].push_back(second[layer][std::min<std::size_t>(q * kTokens / 20, kTokens - 1)]);
    }
    for (const auto& [gate, threshold] : {std::pair{"adapmoe", 0.05},
                                          {"adapmoe-paper", 0.1},
                                          {"score", 0.3},
                                          {"top-p", 0.2},
                                          {"ratio", 0.4},
                                          {"random", 0.35},
                                          {"static-k", 0.5}}) {
        const GateParameters parameters = parametersFor(kLayers, kExperts, threshold);
        const auto kept = expectedKept(gate, parameters, quantiles, 2, kLayers);
        ASSERT_EQ(kept.size(), kLayers);
        double single = 0;
        for (const auto& layer : kept) {
            EXPECT_NEAR(layer[0] + layer[1], 1, 1e-12);
            single += layer[0] / kLayers;
        }
        EXPECT_NEAR(single, trace.keptBy(*makeGatePolicy(gate, parameters)).singleShare, 0.015) << gate;
    }
}

TEST(ExpectedKept, SaysNothingWhereNothingIsKnown) {
    const std::vector<std::vector<double>> quantiles(kLayers, {0, .5});
    EXPECT_TRUE(expectedKept("topk", parametersFor(kLayers, 8, .1), quantiles, 2, kLayers).empty());
    EXPECT_TRUE(expectedKept("adapmoe", parametersFor(kLayers, 8, 0), quantiles, 2, kLayers).empty());
    EXPECT_TRUE(expectedKept("adapmoe", parametersFor(kLayers, 8, .1), quantiles, 4, kLayers).empty());
    EXPECT_TRUE(expectedKept("adapmoe", parametersFor(kLayers, 8, .1), {}, 2, kLayers).empty());
    EXPECT_EQ(expectedKept("random", parametersFor(kLayers, 8, .1), {}, 2, kLayers).size(), kLayers);
}

} // namespace
} // namespace moescope::policy

// What every gate promises, whatever its rule.
#include "tests/engine/policy/gate_fixture.h"

#include <algorithm>
#include <gmock/gmock.h>

namespace moescope::policy {
namespace {

constexpr int kLayers = 4;
constexpr int kExperts = 16;

struct Round {
    std::vector<float> logits;
    ResidentSet residency;
    GateQuestion question;
};

/// A question that differs with every number: layer, k, renormalisation, token, residency.
Round roundOf(int number, std::mt19937& random) {
    Round round{.logits = randomLogits(random, kExperts), .residency = {}, .question = {}};
    for (int expert = 0; expert < kExperts; ++expert)
        if (random() % 2 != 0)
            round.residency.add(trace::expertKey(number % kLayers, expert));
    round.question = {.layer = number % kLayers,
                      .logits = round.logits,
                      .rule = {.topK = 1 + number % 8, .renormalise = number % 3 != 0},
                      .token = trace::TokenIndex(number)};
    return round;
}

class EveryGate : public testing::TestWithParam<std::string> {
protected:
    static std::unique_ptr<GatePolicy> gate(double threshold) {
        return makeGatePolicy(GetParam(), parametersFor(kLayers, kExperts, threshold));
    }
    static GateChoice ask(const GatePolicy& policy, Round& round) {
        round.question.logits = round.logits;
        round.question.residency = &round.residency;
        return chooseWith(policy, round.question);
    }
    static GateChoice plain(const Round& round) {
        std::vector<float> p(round.logits.size());
        return topKChoice(round.logits, round.question.rule, p);
    }
};

TEST_P(EveryGate, ThresholdZeroIsTopKBitForBit) {
    const auto policy = gate(0);
    EXPECT_TRUE(policy->lossless());
    std::mt19937 random(3);
    for (int number = 0; number < 400; ++number) {
        Round round = roundOf(number, random);
        const GateChoice choice = ask(*policy, round);
        ASSERT_EQ(choice.kept, choice.candidates);
        ASSERT_EQ(choice.ids, plain(round).ids);
        ASSERT_EQ(choice.weights, plain(round).weights);
    }
}

TEST_P(EveryGate, TheBestSurvivesAndTheWeightsAreThoseOfTheModel) {
    std::mt19937 random(5);
    for (int number = 0; number < 1000; ++number) {
        const auto policy = gate(0.002 * (number % 300));
        Round round = roundOf(number, random);
        const GateChoice choice = ask(*policy, round);
        const GateChoice all = plain(round);
        ASSERT_GE(choice.kept, 1);
        ASSERT_EQ(choice.candidates, all.candidates);
        ASSERT_EQ(choice.ids[0], all.ids[0]);
        ASSERT_TRUE(std::is_permutation(choice.ids.begin(), choice.ids.begin() + choice.candidates, all.ids.begin()));
        const auto part = [&](int from, int to) {
            return std::is_sorted(choice.candidateWeights.begin() + from, choice.candidateWeights.begin() + to,
                                  std::greater<>());
        };
        ASSERT_TRUE(part(0, choice.kept) && part(choice.kept, choice.candidates));
        double kept = 0;
        for (int rank = 0; rank < choice.kept; ++rank)
            kept += static_cast<double>(choice.candidateWeights[static_cast<std::size_t>(rank)]);
        for (int rank = 0; rank < choice.kept; ++rank) {
            const auto at = static_cast<std::size_t>(rank);
            const auto raw = static_cast<double>(choice.candidateWeights[at]);
            ASSERT_NEAR(choice.weights[at], round.question.rule.renormalise ? raw / kept : raw, 1e-6);
        }
    }
}

TEST_P(EveryGate, MoreThresholdDropsMoreAndEqualQuestionsGetEqualAnswers) {
    std::mt19937 random(8);
    std::vector<Round> rounds;
    for (int number = 0; number < 200; ++number)
        rounds.push_back(roundOf(number, random));
    long before = 1'000'000;
    for (const double threshold : {0.0, 1e-4, 0.01, 0.05, 0.2, 0.5, 1.0, 4.0, 16.0}) {
        const auto policy = gate(threshold);
        long kept = 0;
        for (Round& round : rounds)
            kept += ask(*policy, round).kept;
        for (auto round = rounds.rbegin(); round != rounds.rend(); ++round)
            kept -= ask(*policy, *round).kept;
        ASSERT_EQ(kept, 0) << "the order of the questions matters";
        for (Round& round : rounds)
            kept += ask(*policy, round).kept;
        ASSERT_LE(kept, before) << threshold;
        before = kept;
    }
    if (GetParam() != "topk") {
        EXPECT_LT(before, 600) << "the largest threshold still keeps nearly everything";
    }
}

TEST_P(EveryGate, AnOverrideActsOnItsLayerOnly) {
    if (GetParam() == "topk")
        GTEST_SKIP() << "topk has no threshold";
    GateParameters parameters = parametersFor(kLayers, kExperts, 0);
    parameters.overrides[2] = 100;
    const auto policy = makeGatePolicy(GetParam(), parameters);
    EXPECT_FALSE(policy->lossless());
    const ResidentSet nothing;
    std::mt19937 random(12);
    for (int number = 0; number < 100; ++number) {
        Round round = roundOf(number, random);
        round.question.rule.topK = 2;
        round.question.logits = round.logits;
        round.question.residency = &nothing;
        EXPECT_EQ(chooseWith(*policy, round.question).kept, round.question.layer == 2 ? 1 : 2);
    }
}

TEST_P(EveryGate, PhasesThatItIsNotMeantForArePlain) {
    if (GetParam() == "topk")
        GTEST_SKIP() << "topk drops nothing in any phase";
    const ResidentSet nothing;
    const auto logits = logitsOfWeights({.6, .3, .1});
    for (const auto& [phases, decodeKept, prefillKept] :
         {std::tuple{GatePhases::Both, 1, 1}, {GatePhases::Decode, 1, 2}, {GatePhases::Prefill, 2, 1}}) {
        GateParameters parameters = parametersFor(kLayers, 3, 100);
        parameters.phases = phases;
        const auto policy = makeGatePolicy(GetParam(), parameters);
        EXPECT_EQ(policy->name(), GetParam());
        EXPECT_FALSE(policy->lossless());
        GateQuestion question{.layer = 1, .logits = logits, .rule = {}, .residency = &nothing};
        question.phase = trace::Phase::Decode;
        EXPECT_EQ(chooseWith(*policy, question).kept, decodeKept);
        question.phase = trace::Phase::Prefill;
        EXPECT_EQ(chooseWith(*policy, question).kept, prefillKept);
    }
}

TEST_P(EveryGate, ImpossibleThresholdsAreRefused) {
    if (GetParam() == "topk")
        GTEST_SKIP() << "topk has no threshold";
    for (const double threshold : {-0.1, std::nan(""), HUGE_VAL}) {
        EXPECT_THROW(gate(threshold), std::invalid_argument) << threshold;
        GateParameters parameters = parametersFor(kLayers, kExperts, 0.1);
        parameters.overrides[1] = threshold;
        EXPECT_THROW(makeGatePolicy(GetParam(), parameters), std::invalid_argument) << threshold;
    }
}

INSTANTIATE_TEST_SUITE_P(Names, EveryGate, testing::ValuesIn(gatePolicyNames()), [](const auto& instance) {
    std::string name = instance.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

} // namespace
} // namespace moescope::policy

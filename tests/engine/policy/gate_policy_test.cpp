#include "engine/policy/gate_policy.h"

#include "engine/policy/gate_choice.h"
#include "engine/policy/gate_exp.h"
#include "tests/engine/policy/gate_fixture.h"

#include <cmath>
#include <gmock/gmock.h>
#include <limits>
#include <numeric>
#include <random>

namespace moescope::policy {
namespace {

using testing::ElementsAre;

std::vector<int> idsOf(const GateChoice& choice) {
    return {choice.ids.begin(), choice.ids.begin() + choice.candidates};
}

TEST(TopKChoice, SoftmaxIsThatOfTheDefinition) {
    const std::vector<float> logits{1.0F, -2.0F, 0.5F, 3.0F};
    std::vector<float> p(4);
    topKChoice(logits, {.topK = 2}, p);
    double sum = 0;
    for (const float x : logits)
        sum += std::exp(static_cast<double>(x));
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_NEAR(p[i], std::exp(static_cast<double>(logits[i])) / sum, 1e-7);
}

TEST(TopKChoice, HugeLogitsDoNotOverflow) {
    const std::vector<float> logits{3e38F, 3e38F, -3e38F};
    std::vector<float> p(3);
    const GateChoice choice = topKChoice(logits, {.topK = 2}, p);
    EXPECT_THAT(p, ElementsAre(0.5F, 0.5F, 0.0F));
    EXPECT_THAT(idsOf(choice), ElementsAre(0, 1));
}

TEST(TopKChoice, MayWriteOverItsLogits) {
    std::vector<float> apart{0.3F, 2.0F, -1.0F, 1.0F};
    std::vector<float> p(4);
    const GateChoice expected = topKChoice(apart, {.topK = 3}, p);
    const GateChoice choice = topKChoice(apart, {.topK = 3}, apart);
    EXPECT_EQ(apart, p);
    EXPECT_EQ(choice.ids, expected.ids);
    EXPECT_EQ(choice.weights, expected.weights);
}

TEST(TopKChoice, EqualWeightsGoToTheLowerId) {
    const std::vector<float> logits{0.0F, 1.0F, 1.0F, 0.0F, 1.0F};
    std::vector<float> p(5);
    EXPECT_THAT(idsOf(topKChoice(logits, {.topK = 4}, p)), ElementsAre(1, 2, 4, 0));
}

TEST(TopKChoice, AgreesWithASortOnRandomLogits) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal(0, 2);
    for (int round = 0; round < 500; ++round) {
        const std::size_t experts = 1 + random() % 130;
        const int topK = 1 + static_cast<int>(random() % 16);
        std::vector<float> logits(experts);
        for (float& x : logits)
            x = std::round(normal(random) * 4) / 4; // coarse, so that ties happen
        std::vector<float> p(experts);
        const GateChoice choice = topKChoice(logits, {.topK = topK, .renormalise = round % 2 == 0}, p);
        std::vector<int> order(experts);
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(),
                         [&](int a, int b) { return p[static_cast<std::size_t>(a)] > p[static_cast<std::size_t>(b)]; });
        order.resize(std::min(experts, static_cast<std::size_t>(topK)));
        ASSERT_EQ(idsOf(choice), order);
        ASSERT_EQ(choice.kept, choice.candidates);
        float sum = 0;
        for (const int id : order)
            sum += p[static_cast<std::size_t>(id)];
        for (std::size_t i = 0; i < order.size(); ++i) {
            const float raw = p[static_cast<std::size_t>(order[i])];
            ASSERT_FLOAT_EQ(choice.weights[i], round % 2 == 0 ? raw / sum : raw);
        }
        ASSERT_EQ(choice.droppedShare(), 0.0F);
    }
}

TEST(TopKChoice, BrokenLogitsStillGiveDistinctExperts) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> logits{nan, 1.0F, nan, 2.0F};
    std::vector<float> p(4);
    const GateChoice choice = topKChoice(logits, {.topK = 2}, p);
    ASSERT_EQ(choice.candidates, 2);
    EXPECT_NE(choice.ids[0], choice.ids[1]);
}

TEST(KeepMarked, TheKeptMoveToTheFrontAndShareTheWeight) {
    const std::vector<float> logits{std::log(.4F), std::log(.3F), std::log(.2F), std::log(.1F)};
    std::vector<float> p(4);
    GateChoice choice = topKChoice(logits, {.topK = 4}, p);
    keepMarked(choice, 0b1010, {.topK = 4});
    EXPECT_THAT(idsOf(choice), ElementsAre(1, 3, 0, 2));
    EXPECT_EQ(choice.kept, 2);
    EXPECT_NEAR(choice.weights[0], .75, 1e-6);
    EXPECT_NEAR(choice.weights[1], .25, 1e-6);
    EXPECT_NEAR(choice.droppedShare(), .6, 1e-6);
    choice = topKChoice(logits, {.topK = 4, .renormalise = false}, p);
    keepMarked(choice, 0b0101, {.topK = 4, .renormalise = false});
    EXPECT_NEAR(choice.weights[0], .4, 1e-6);
    EXPECT_NEAR(choice.weights[1], .2, 1e-6);
}

TEST(PolicySet, UnknownNamesAreRefusedWithTheKnownOnes) {
    const auto refusal = [](auto make) -> std::string {
        try {
            make();
        } catch (const std::invalid_argument& problem) {
            return problem.what();
        }
        return "";
    };
    EXPECT_EQ(refusal([] { makeGatePolicy("best", {}); }),
              "There is no gate policy 'best'; known are topk, adapmoe, adapmoe-paper, adapmoe-pair, adapmoe-residency, "
              "static-k, score, top-p, ratio, random.");
    EXPECT_EQ(refusal([] { gatePhasesFrom("never"); }), "There is no gate phase 'never'; known are both, decode, prefill.");
}

TEST(PolicySet, EveryGateNameBuildsThatGate) {
    for (const std::string& name : gatePolicyNames())
        EXPECT_EQ(makeGatePolicy(name, parametersFor(1, 2, 0.1))->name(), name);
}

TEST(GateExpTest, IsTheExponentialRoundedToFloat) {
    EXPECT_EQ(gateExp(0.0F), 1.0F);
    EXPECT_EQ(gateExp(-104.5F), 0.0F);
    EXPECT_EQ(gateExp(std::numeric_limits<float>::quiet_NaN()), 0.0F);
    for (float x = 0.0F; x > -87.0F; x -= 0.00137F)
        ASSERT_EQ(gateExp(x), static_cast<float>(std::exp(static_cast<double>(x)))) << x;
}

} // namespace
} // namespace moescope::policy

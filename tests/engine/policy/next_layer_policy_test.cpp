#include "engine/policy/next_layer_policy.h"

#include "tests/engine/policy/gate_fixture.h"

#include <gmock/gmock.h>
#include <random>
#include <set>

namespace moescope::policy {
namespace {

using trace::ExpertKey;
using trace::expertKey;

class KeySet final : public Residency {
public:
    KeySet(std::initializer_list<ExpertKey> keys = {}) : m_keys(keys) {}
    bool resident(ExpertKey key) const override { return m_keys.contains(key); }
    void add(ExpertKey key) { m_keys.insert(key); }

private:
    std::set<ExpertKey> m_keys;
};

/// Three layers ahead of layer 0 with four experts each.
struct Prediction {
    std::vector<std::vector<float>> gates{{.1F, .5F, .3F, .1F}, {.6F, .2F, .15F, .05F}, {.25F, .3F, .35F, .1F}};
    std::vector<std::span<const float>> spans{gates.begin(), gates.end()};

    PrefetchQuestion question(std::int64_t budget) const {
        return {.layer = 0,
                .layers = 8,
                .topK = 2,
                .predicted = spans,
                .residency = nullptr,
                .expertBytes = 100,
                .budgetBytes = budget,
                .gate = nullptr};
    }
};

std::vector<ExpertKey> keysOf(const std::vector<PrefetchWish>& wishes) {
    std::vector<ExpertKey> keys;
    for (const PrefetchWish& wish : wishes)
        keys.push_back(wish.key);
    return keys;
}

using testing::ElementsAre;
using testing::IsEmpty;

TEST(NextLayerPolicy, WishesForTheMostProbableOfTheNextLayer) {
    const Prediction prediction;
    const auto wishes = NextLayerPolicy({.depth = 1}).suggest(prediction.question(1000)).wishes;
    EXPECT_THAT(keysOf(wishes), ElementsAre(expertKey(1, 1), expertKey(1, 2)));
    EXPECT_EQ(wishes[0].probability, .5F);
    EXPECT_EQ(wishes[0].depth, 1);
}

TEST(NextLayerPolicy, WhatIsResidentIsSkipped) {
    const Prediction prediction;
    const KeySet resident{expertKey(1, 1)};
    PrefetchQuestion question = prediction.question(1000);
    question.residency = &resident;
    EXPECT_THAT(keysOf(NextLayerPolicy({.depth = 1}).suggest(question).wishes), ElementsAre(expertKey(1, 2)));
}

TEST(NextLayerPolicy, WhatIsResidentAndForeseenIsNamed) {
    const Prediction prediction;
    const KeySet resident{expertKey(1, 1), expertKey(1, 0), expertKey(2, 1)};
    PrefetchQuestion question = prediction.question(1000);
    question.residency = &resident;
    EXPECT_THAT(NextLayerPolicy({.depth = 1}).suggest(question).foreseen, ElementsAre(expertKey(1, 1)));
    EXPECT_THAT(NextLayerPolicy({.depth = 2}).suggest(question).foreseen, ElementsAre(expertKey(1, 1), expertKey(2, 1)));
}

TEST(NextLayerPolicy, AtTheEndOfAStepItIsTheFirstLayersTurn) {
    const Prediction prediction;
    PrefetchQuestion question = prediction.question(1000);
    question.layer = -1;
    question.predicted = question.predicted.first(1);
    EXPECT_THAT(keysOf(NextLayerPolicy({.depth = 3}).suggest(question).wishes), ElementsAre(expertKey(0, 1), expertKey(0, 2)));
}

TEST(NextLayerPolicy, FartherLayersFollowOnceTheNearerIsSatisfied) {
    const Prediction prediction;
    const KeySet resident{expertKey(1, 1)};
    PrefetchQuestion question = prediction.question(400);
    question.residency = &resident;
    const auto wishes = NextLayerPolicy({.depth = 3}).suggest(question).wishes;
    EXPECT_THAT(keysOf(wishes), ElementsAre(expertKey(1, 2), expertKey(2, 0), expertKey(2, 1), expertKey(3, 2)));
    EXPECT_EQ(wishes[1].depth, 2);
    EXPECT_EQ(wishes[3].depth, 3);
}

TEST(NextLayerPolicy, StaysWithinTheByteBudget) {
    const Prediction prediction;
    EXPECT_THAT(NextLayerPolicy({.depth = 3}).suggest(prediction.question(0)).wishes, IsEmpty());
    EXPECT_THAT(NextLayerPolicy({.depth = 3}).suggest(prediction.question(99)).wishes, IsEmpty());
    EXPECT_THAT(keysOf(NextLayerPolicy({.depth = 3}).suggest(prediction.question(199)).wishes), ElementsAre(expertKey(1, 1)));
    EXPECT_EQ(NextLayerPolicy({.depth = 3}).suggest(prediction.question(599)).wishes.size(), 5U);
}

TEST(NextLayerPolicy, WhatGatingWouldDropIsNotFetched) {
    const Prediction prediction;
    // Renormalised second weights: .375 in layer 1, .25 in layer 2. The threshold lies between their squares.
    const auto gate = makeGatePolicy("adapmoe", {.threshold = .1, .sensitivity = {1, 1, 1, 1}});
    PrefetchQuestion question = prediction.question(1000);
    question.gate = gate.get();
    EXPECT_THAT(keysOf(NextLayerPolicy({.depth = 2}).suggest(question).wishes),
                ElementsAre(expertKey(1, 1), expertKey(1, 2), expertKey(2, 0)));
}

TEST(NextLayerPolicy, NoGateDropsWhatIsWishedForUnderIt) {
    std::mt19937 random(4);
    const KeySet resident{expertKey(1, 0), expertKey(1, 5), expertKey(2, 3)};
    for (const std::string& name : gatePolicyNames()) {
        int fewer = 0;
        for (int round = 0; round < 200; ++round) {
            const std::vector<float> logits = randomLogits(random, 8);
            std::vector<float> predicted(8);
            std::vector<float> scratch(8);
            const RouterRule rule{.topK = 3, .renormalise = round % 2 == 0};
            topKChoice(logits, rule, predicted);
            const auto gate = makeGatePolicy(name, parametersFor(4, 8, name == "static-k" ? 1.5 : 0.1));
            const std::span<const float> ahead(predicted);
            const auto plan = NextLayerPolicy({.depth = 1})
                                  .suggest({.layer = 0,
                                            .layers = 4,
                                            .topK = rule.topK,
                                            .renormalise = rule.renormalise,
                                            .predicted = std::span(&ahead, 1),
                                            .residency = &resident,
                                            .expertBytes = 1,
                                            .budgetBytes = 8,
                                            .gate = gate.get(),
                                            .token = trace::TokenIndex(round)});
            // If the prediction comes true, the layer runs exactly what was wished for or was there.
            const GateChoice choice = gate->choose(
                {.layer = 1, .logits = logits, .rule = rule, .residency = &resident, .token = trace::TokenIndex(round)},
                scratch);
            std::set<ExpertKey> runs;
            for (int rank = 0; rank < choice.kept; ++rank)
                runs.insert(expertKey(1, choice.ids[static_cast<std::size_t>(rank)]));
            std::set<ExpertKey> foreseen(plan.foreseen.begin(), plan.foreseen.end());
            for (const PrefetchWish& wish : plan.wishes)
                foreseen.insert(wish.key);
            EXPECT_EQ(foreseen, runs) << name << " round " << round;
            fewer += choice.kept < choice.candidates ? 1 : 0;
        }
        EXPECT_EQ(fewer > 0, name != "topk") << name;
    }
}

TEST(NextLayerPolicy, StopsAtTheLastLayerAndAtTheLastPrediction) {
    const Prediction prediction;
    PrefetchQuestion question = prediction.question(1000);
    question.layers = 2;
    EXPECT_EQ(NextLayerPolicy({.depth = 3}).suggest(question).wishes.size(), 2U);
    question.layers = 1;
    EXPECT_THAT(NextLayerPolicy({.depth = 3}).suggest(question).wishes, IsEmpty());
    question.layers = 8;
    question.predicted = question.predicted.first(1);
    EXPECT_EQ(NextLayerPolicy({.depth = 3}).suggest(question).wishes.size(), 2U);
}

TEST(NextLayerPolicy, RandomQuestionsKeepThePromises) {
    std::mt19937 random(21);
    for (int round = 0; round < 500; ++round) {
        std::vector<std::vector<float>> gates(3, std::vector<float>(8));
        for (auto& gate : gates) {
            float sum = 0;
            for (float& p : gate)
                sum += (p = static_cast<float>(random() % 100));
            for (float& p : gate)
                p /= sum + 1e-9F;
        }
        const std::vector<std::span<const float>> spans{gates.begin(), gates.end()};
        KeySet resident;
        for (int layer = 0; layer < 6; ++layer)
            for (int expert = 0; expert < 8; ++expert)
                if (random() % 2)
                    resident.add(expertKey(layer, expert));
        const auto budget = static_cast<std::int64_t>(random() % 700);
        const NextLayerPolicy policy({.depth = 1 + round % 3});
        const auto plan = policy.suggest({.layer = round % 6,
                                          .layers = 6,
                                          .topK = 2,
                                          .predicted = spans,
                                          .residency = &resident,
                                          .expertBytes = 100,
                                          .budgetBytes = budget,
                                          .gate = nullptr});
        const auto& wishes = plan.wishes;
        for (const ExpertKey key : plan.foreseen)
            EXPECT_TRUE(resident.resident(key));
        std::set<ExpertKey> seen;
        int depth = 1;
        for (const PrefetchWish& wish : wishes) {
            EXPECT_FALSE(resident.resident(wish.key));
            EXPECT_TRUE(seen.insert(wish.key).second);
            EXPECT_GE(wish.depth, depth);
            depth = wish.depth;
            EXPECT_EQ(wish.key.layer.value, round % 6 + wish.depth);
            EXPECT_LT(wish.key.layer.value, 6);
        }
        EXPECT_LE(static_cast<std::int64_t>(wishes.size()) * 100, budget);
        EXPECT_LE(depth, policy.depth());
    }
}

TEST(PrefetchPolicies, NamesAndDepths) {
    EXPECT_EQ(makePrefetchPolicy("none", {})->depth(), 0);
    EXPECT_EQ(makePrefetchPolicy("next-layer", {.depth = 3, .spareSteps = 5})->depth(), 3);
    for (const std::string& name : prefetchPolicyNames())
        EXPECT_EQ(makePrefetchPolicy(name, {})->name(), name);
    EXPECT_EQ(makePrefetchPolicy("next-layer", {.depth = 3, .spareSteps = 5})->spareSteps(), 5);
    EXPECT_THROW(makePrefetchPolicy("next-layer", {.spareSteps = -1}), std::invalid_argument);
    EXPECT_THROW(makePrefetchPolicy("oracle", {}), std::invalid_argument);
    EXPECT_THROW(makePrefetchPolicy("next-layer", {.depth = 0}), std::invalid_argument);
    EXPECT_THROW(makePrefetchPolicy("next-layer", {.depth = 4}), std::invalid_argument);
}

} // namespace
} // namespace moescope::policy

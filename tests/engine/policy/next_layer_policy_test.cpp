#include "engine/policy/next_layer_policy.h"

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
    const auto wishes = NextLayerPolicy(1).suggest(prediction.question(1000));
    EXPECT_THAT(keysOf(wishes), ElementsAre(expertKey(1, 1), expertKey(1, 2)));
    EXPECT_EQ(wishes[0].probability, .5F);
    EXPECT_EQ(wishes[0].depth, 1);
}

TEST(NextLayerPolicy, WhatIsResidentIsSkipped) {
    const Prediction prediction;
    const KeySet resident{expertKey(1, 1)};
    PrefetchQuestion question = prediction.question(1000);
    question.residency = &resident;
    EXPECT_THAT(keysOf(NextLayerPolicy(1).suggest(question)), ElementsAre(expertKey(1, 2)));
}

TEST(NextLayerPolicy, FartherLayersFollowOnceTheNearerIsSatisfied) {
    const Prediction prediction;
    const KeySet resident{expertKey(1, 1)};
    PrefetchQuestion question = prediction.question(400);
    question.residency = &resident;
    const auto wishes = NextLayerPolicy(3).suggest(question);
    EXPECT_THAT(keysOf(wishes), ElementsAre(expertKey(1, 2), expertKey(2, 0), expertKey(2, 1), expertKey(3, 2)));
    EXPECT_EQ(wishes[1].depth, 2);
    EXPECT_EQ(wishes[3].depth, 3);
}

TEST(NextLayerPolicy, StaysWithinTheByteBudget) {
    const Prediction prediction;
    EXPECT_THAT(NextLayerPolicy(3).suggest(prediction.question(0)), IsEmpty());
    EXPECT_THAT(NextLayerPolicy(3).suggest(prediction.question(99)), IsEmpty());
    EXPECT_THAT(keysOf(NextLayerPolicy(3).suggest(prediction.question(199))), ElementsAre(expertKey(1, 1)));
    EXPECT_EQ(NextLayerPolicy(3).suggest(prediction.question(599)).size(), 5U);
}

TEST(NextLayerPolicy, WhatGatingWouldDropIsNotFetched) {
    const Prediction prediction;
    // Renormalised second weights: .375 in layer 1, .25 in layer 2. The threshold lies between their squares.
    const auto gate = makeGatePolicy("adapmoe", {.threshold = .1, .sensitivity = {1, 1, 1, 1}});
    PrefetchQuestion question = prediction.question(1000);
    question.gate = gate.get();
    EXPECT_THAT(keysOf(NextLayerPolicy(2).suggest(question)), ElementsAre(expertKey(1, 1), expertKey(1, 2), expertKey(2, 0)));
}

TEST(NextLayerPolicy, StopsAtTheLastLayerAndAtTheLastPrediction) {
    const Prediction prediction;
    PrefetchQuestion question = prediction.question(1000);
    question.layers = 2;
    EXPECT_EQ(NextLayerPolicy(3).suggest(question).size(), 2U);
    question.layers = 1;
    EXPECT_THAT(NextLayerPolicy(3).suggest(question), IsEmpty());
    question.layers = 8;
    question.predicted = question.predicted.first(1);
    EXPECT_EQ(NextLayerPolicy(3).suggest(question).size(), 2U);
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
        const NextLayerPolicy policy(1 + round % 3);
        const auto wishes = policy.suggest({.layer = round % 6,
                                            .layers = 6,
                                            .topK = 2,
                                            .predicted = spans,
                                            .residency = &resident,
                                            .expertBytes = 100,
                                            .budgetBytes = budget,
                                            .gate = nullptr});
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
    EXPECT_EQ(makePrefetchPolicy("none", 1)->depth(), 0);
    EXPECT_EQ(makePrefetchPolicy("next-layer", 3)->depth(), 3);
    for (const std::string& name : prefetchPolicyNames())
        EXPECT_EQ(makePrefetchPolicy(name, 1)->name(), name);
    EXPECT_THROW(makePrefetchPolicy("oracle", 1), std::invalid_argument);
    EXPECT_THROW(makePrefetchPolicy("next-layer", 0), std::invalid_argument);
    EXPECT_THROW(makePrefetchPolicy("next-layer", 4), std::invalid_argument);
}

} // namespace
} // namespace moescope::policy

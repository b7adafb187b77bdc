#include "engine/policy/cache_policy.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <list>
#include <map>
#include <random>
#include <tuple>

namespace moescope::policy {
namespace {

using trace::ExpertKey;
using trace::expertKey;

ExpertKey victimOf(CachePolicy& policy, const std::vector<ExpertKey>& candidates) {
    return candidates.at(policy.victim(candidates));
}

TEST(LruPolicy, TheLongestUnwantedLeaves) {
    const auto policy = makeCachePolicy("lru");
    for (const int expert : {0, 1, 2, 0})
        policy->touched(expertKey(0, expert), 0.5F);
    EXPECT_EQ(victimOf(*policy, {expertKey(0, 0), expertKey(0, 1), expertKey(0, 2)}), expertKey(0, 1));
    EXPECT_EQ(victimOf(*policy, {expertKey(0, 2), expertKey(0, 0)}), expertKey(0, 2));
}

TEST(LruPolicy, APrefetchedExpertCountsAsWantedWhenItArrives) {
    const auto policy = makeCachePolicy("lru");
    policy->touched(expertKey(0, 1), 1);
    policy->admitted(expertKey(1, 0));
    EXPECT_EQ(victimOf(*policy, {expertKey(1, 0), expertKey(0, 1)}), expertKey(0, 1));
}

TEST(LruPolicy, AdmissionOnDemandKeepsTheTimeOfTheAsking) {
    const auto policy = makeCachePolicy("lru");
    policy->touched(expertKey(0, 1), 1); // missed
    policy->touched(expertKey(0, 2), 1); // hit
    policy->admitted(expertKey(0, 1));   // its copy was queued later
    EXPECT_EQ(victimOf(*policy, {expertKey(0, 1), expertKey(0, 2)}), expertKey(0, 1));
    policy->admitted(expertKey(0, 1)); // came back as a guess: now
    EXPECT_EQ(victimOf(*policy, {expertKey(0, 1), expertKey(0, 2)}), expertKey(0, 2));
}

TEST(LruPolicy, NeverSeenExpertsLeaveInKeyOrder) {
    const auto policy = makeCachePolicy("lru");
    EXPECT_EQ(victimOf(*policy, {expertKey(1, 0), expertKey(0, 3), expertKey(0, 2)}), expertKey(0, 2));
}

TEST(LruPolicy, AgreesWithAListOnRandomUse) {
    const auto policy = makeCachePolicy("lru");
    std::mt19937 random(5);
    std::list<ExpertKey> order; // oldest first
    for (int round = 0; round < 5000; ++round) {
        const ExpertKey key = expertKey(static_cast<int>(random() % 3), static_cast<int>(random() % 6));
        policy->touched(key, 0.3F);
        order.remove(key);
        order.push_back(key);
        std::vector<ExpertKey> candidates(order.begin(), order.end());
        std::shuffle(candidates.begin(), candidates.end(), random);
        ASSERT_EQ(victimOf(*policy, candidates), order.front());
    }
}

TEST(LfuPolicy, TheLeastAskedLeavesAndTiesGoToTheLeastRecent) {
    const auto policy = makeCachePolicy("lfu");
    for (const int expert : {0, 0, 1, 2, 1, 2, 0})
        policy->touched(expertKey(0, expert), 1);
    EXPECT_EQ(victimOf(*policy, {expertKey(0, 0), expertKey(0, 1), expertKey(0, 2)}), expertKey(0, 1));
    policy->touched(expertKey(0, 1), 1);
    EXPECT_EQ(victimOf(*policy, {expertKey(0, 0), expertKey(0, 1), expertKey(0, 2)}), expertKey(0, 2));
}

TEST(LfuPolicy, CountsStartAgainWithASequence) {
    const auto policy = makeCachePolicy("lfu");
    for (const int expert : {0, 0, 0, 1})
        policy->touched(expertKey(0, expert), 1);
    policy->beginSequence();
    policy->touched(expertKey(0, 1), 1);
    EXPECT_EQ(victimOf(*policy, {expertKey(0, 0), expertKey(0, 1)}), expertKey(0, 0));
}

TEST(LfuPolicy, AgreesWithANaiveCountOnRandomUse) {
    const auto policy = makeCachePolicy("lfu");
    std::mt19937 random(9);
    std::map<ExpertKey, std::pair<int, int>> uses; // count, time
    for (int round = 0; round < 5000; ++round) {
        if (random() % 500 == 0) {
            policy->beginSequence();
            for (auto& [key, use] : uses)
                use.first = 0;
        }
        const ExpertKey key = expertKey(static_cast<int>(random() % 3), static_cast<int>(random() % 6));
        policy->touched(key, 0.3F);
        uses[key] = {uses[key].first + 1, round};
        std::vector<ExpertKey> candidates;
        for (const auto& entry : uses)
            candidates.push_back(entry.first);
        std::shuffle(candidates.begin(), candidates.end(), random);
        const auto expected =
            std::min_element(uses.begin(), uses.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
        ASSERT_EQ(victimOf(*policy, candidates), expected->first);
    }
}

/// HOBBIT's formulas computed afresh from the whole history of a sequence, the slow way.
class History {
public:
    explicit History(int layers) : m_layers(layers) {}

    void beginSequence() { m_asked.clear(), m_step = 0, m_layer = -1; }
    void beginStep() { ++m_step, m_layer = -1; }
    void touched(ExpertKey key) {
        m_asked.push_back({m_step, key});
        m_layer = key.layer.value;
        m_times[key] = ++m_clock;
    }
    ExpertKey lowest(const std::vector<ExpertKey>& candidates, double (History::*priority)(ExpertKey) const) {
        const auto rank = [&](ExpertKey key) { return std::tuple((this->*priority)(key), m_times[key], key); };
        return *std::min_element(candidates.begin(), candidates.end(),
                                 [&](ExpertKey a, ExpertKey b) { return rank(a) < rank(b); });
    }

    double lcu(ExpertKey key) const {
        const int turn = key.layer.value <= m_layer ? m_step : m_step - 1;
        const bool used = std::any_of(m_asked.begin(), m_asked.end(),
                                      [&](const auto& ask) { return ask.second == key && ask.first >= turn; });
        return count(key) / m_step + (used ? 1 / (distance(key) + 0.1) : 0);
    }
    double equalMixture(ExpertKey key) const { // HOBBIT's four weights of 0.25, F = H
        double last = 0;
        for (const auto& [step, asked] : m_asked)
            if (asked == key)
                last = step;
        return (0.25 * last + 0.5 * count(key)) / m_step + 0.25 * (1 - distance(key) / m_layers);
    }

private:
    double count(ExpertKey key) const {
        return static_cast<double>(
            std::count_if(m_asked.begin(), m_asked.end(), [&](const auto& ask) { return ask.second == key; }));
    }
    double distance(ExpertKey key) const {
        int steps = 0; // walk from the layer at work until the expert's turn comes
        for (int at = std::max(m_layer, 0); at != key.layer.value; at = (at + 1) % m_layers)
            ++steps;
        return steps;
    }
    int m_layers;
    std::vector<std::pair<int, ExpertKey>> m_asked;
    std::map<ExpertKey, int> m_times;
    int m_step = 0;
    int m_layer = -1;
    int m_clock = 0;
};

void agreesWithHistory(const char* name, double (History::*priority)(ExpertKey) const) {
    constexpr int kLayers = 4;
    const auto policy = makeCachePolicy(name);
    History history(kLayers);
    std::mt19937 random(13);
    std::vector<ExpertKey> all;
    for (int layer = 0; layer < kLayers; ++layer)
        for (int expert = 0; expert < 6; ++expert)
            all.push_back(expertKey(layer, expert));
    for (int sequence = 0; sequence < 4; ++sequence) {
        policy->beginSequence();
        history.beginSequence();
        for (int step = 0; step < 60; ++step) {
            policy->beginStep();
            history.beginStep();
            for (int layer = 0; layer < kLayers; ++layer) {
                for (int ask = 0; ask < 2; ++ask) {
                    const ExpertKey key = expertKey(layer, static_cast<int>(random() % 6));
                    policy->touched(key, 0.5F);
                    history.touched(key);
                }
                std::vector<ExpertKey> candidates = all;
                std::shuffle(candidates.begin(), candidates.end(), random);
                if (step > 0) // before that not every layer is known
                    candidates.resize(1 + random() % candidates.size());
                ASSERT_EQ(victimOf(*policy, candidates), history.lowest(candidates, priority)) << sequence << ' ' << step;
            }
        }
    }
}

TEST(LcuPolicy, AgreesWithItsFormulaOnTheWholeHistory) {
    agreesWithHistory("lcu", &History::lcu);
}

TEST(WeightedPolicy, AgreesWithHobbitsEqualMixtureOnTheWholeHistory) {
    agreesWithHistory("weighted", &History::equalMixture);
}

TEST(LcuPolicy, WhatItsLayersLastTurnUsedStaysWhenItsTurnIsNear) {
    const auto policy = makeCachePolicy("lcu");
    policy->beginSequence();
    for (int step = 0; step < 4; ++step) {
        policy->beginStep();
        for (int layer = 0; layer < 4; ++layer)
            policy->touched(expertKey(layer, step == 3 ? 1 : 0), 1);
    }
    policy->beginStep();
    policy->touched(expertKey(0, 1), 1);
    // Expert 0 of layer 1 was used three times in four, expert 1 once, but just now, and its turn is next.
    EXPECT_EQ(victimOf(*policy, {expertKey(1, 0), expertKey(1, 1)}), expertKey(1, 0));
    // Of two used equally often and just now, the one whose turn is farther leaves.
    EXPECT_EQ(victimOf(*policy, {expertKey(1, 1), expertKey(3, 1)}), expertKey(3, 1));
}

TEST(WeightedPolicy, OneWeightAloneIsThatPolicy) {
    struct Case {
        const char* alone;
        CacheWeights weights;
    };
    for (const Case& one : {Case{"lru", {1, 0, 0}}, Case{"lfu", {0, 1, 0}}}) {
        const auto weighted = makeCachePolicy("weighted", one.weights);
        const auto alone = makeCachePolicy(one.alone);
        std::mt19937 random(17);
        for (CachePolicy* policy : {weighted.get(), alone.get()})
            policy->beginSequence();
        std::vector<ExpertKey> seen;
        for (int step = 0; step < 400; ++step) {
            const ExpertKey key = expertKey(0, static_cast<int>(random() % 12));
            for (CachePolicy* policy : {weighted.get(), alone.get()}) {
                policy->beginStep();
                policy->touched(key, 1);
            }
            if (std::find(seen.begin(), seen.end(), key) == seen.end())
                seen.push_back(key);
            ASSERT_EQ(victimOf(*weighted, seen), victimOf(*alone, seen)) << one.alone << ' ' << step;
        }
    }
    // The last alone: whose layer's turn is farthest.
    const auto farthest = makeCachePolicy("weighted", CacheWeights{0, 0, 1});
    farthest->beginSequence();
    farthest->beginStep();
    for (int layer = 0; layer < 3; ++layer)
        farthest->touched(expertKey(layer, 0), 1);
    EXPECT_EQ(victimOf(*farthest, {expertKey(0, 0), expertKey(1, 0), expertKey(2, 0)}), expertKey(1, 0));
}

TEST(CacheWeights, TextAndBack) {
    EXPECT_EQ(parseCacheWeights("0.25,0.5,0.25"), CacheWeights{});
    EXPECT_EQ(parseCacheWeights(formatCacheWeights({0.1, 0, 3})), (CacheWeights{0.1, 0, 3}));
    EXPECT_EQ(formatCacheWeights(parseCacheWeights("-0,1,2")), "0,1,2");
    for (const char* text : {"", "1", "1,2", "1,2,3,4", "1,2,x", "0,0,0", "-1,1,1", "nan,1,1", "1,2,1001", "1, 2,3", "1,2,3 "})
        EXPECT_THROW(parseCacheWeights(text), std::invalid_argument) << text;
    EXPECT_THROW(makeCachePolicy("weighted", CacheWeights{0, 0, 0}), std::invalid_argument);
    EXPECT_THROW(makeCachePolicy("weighted", CacheWeights{-1, 2, 0}), std::invalid_argument);
}

TEST(CachePolicies, EveryNameBuildsThatPolicyAndOthersAreRefused) {
    for (const std::string& name : cachePolicyNames())
        EXPECT_EQ(makeCachePolicy(name)->name(), name);
    EXPECT_THROW(makeCachePolicy("mru"), std::invalid_argument);
}

} // namespace
} // namespace moescope::policy

#include "engine/policy/cache_policy.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <list>
#include <map>
#include <random>

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

TEST(CachePolicies, EveryNameBuildsThatPolicyAndOthersAreRefused) {
    for (const std::string& name : cachePolicyNames())
        EXPECT_EQ(makeCachePolicy(name)->name(), name);
    EXPECT_THROW(makeCachePolicy("mru"), std::invalid_argument);
}

} // namespace
} // namespace moescope::policy

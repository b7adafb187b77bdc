// Hit rates of the policies on synthetic routing, against figures that another program computed for the same
// process: 8 layers, 8 experts, top-2, 24 sequences of 256 tokens, logits = 0.7 N(0,1) per (sequence, layer, expert) plus
// AR(1) noise of strength 1.0 and correlation 0.5; caches are empty when a sequence begins. Another random generator, so
// the figures agree within sampling error only.
#include "engine/expert/expert_cache.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace moescope::expert {
namespace {

constexpr int kLayers = 8;
constexpr int kExperts = 8;
constexpr int kTokens = 256;
constexpr int kSequences = 24;

using Choices = std::vector<std::array<trace::ExpertKey, 2>>; ///< [tokens * layers]

Choices sequence(std::mt19937& random) {
    std::normal_distribution<double> normal(0, 1);
    constexpr double kCorrelation = 0.5;
    std::array<double, kLayers * kExperts> taste{};
    std::array<double, kLayers * kExperts> noise{};
    for (double& value : taste)
        value = 0.7 * normal(random);
    for (double& value : noise)
        value = normal(random);
    Choices choices;
    for (int token = 0; token < kTokens; ++token)
        for (int layer = 0; layer < kLayers; ++layer) {
            std::array<std::pair<double, int>, kExperts> ranked;
            for (int expert = 0; expert < kExperts; ++expert) {
                const auto at = static_cast<std::size_t>(layer * kExperts + expert);
                noise[at] = kCorrelation * noise[at] + std::sqrt(1 - kCorrelation * kCorrelation) * normal(random);
                ranked[static_cast<std::size_t>(expert)] = {-(taste[at] + noise[at]), expert};
            }
            std::sort(ranked.begin(), ranked.end());
            choices.push_back({trace::expertKey(layer, ranked[0].second), trace::expertKey(layer, ranked[1].second)});
        }
    return choices;
}

double hitRate(std::string_view policy, std::string_view allocation, int slots) {
    std::mt19937 random(2024);
    int hits = 0;
    int asked = 0;
    for (int round = 0; round < kSequences; ++round) {
        ExpertCache cache(
            {kLayers, kExperts}, policy::makeCachePolicy(policy),
            policy::makeAllocationPolicy(allocation)->plan({.layers = kLayers, .experts = kExperts, .slots = slots}));
        cache.beginSequence();
        for (const auto& pair : sequence(random))
            for (const trace::ExpertKey key : pair) {
                ++asked;
                cache.touch(key, 0.5F);
                if (cache.resident(key)) {
                    ++hits;
                } else if (cache.admit(key, AdmitFor::Demand)) {
                    cache.loaded(key);
                }
            }
    }
    return static_cast<double>(hits) / asked;
}

constexpr double kTolerance = 0.02;

TEST(ReferenceHitRates, GlobalLruCollapsesBelowOneTokensWorth) {
    EXPECT_EQ(hitRate("lru", "global", 8), 0.0);
}

TEST(ReferenceHitRates, GlobalLru) {
    EXPECT_NEAR(hitRate("lru", "global", 16), 0.489, kTolerance);
    EXPECT_NEAR(hitRate("lru", "global", 32), 0.757, kTolerance);
}

TEST(ReferenceHitRates, PerLayerLru) {
    EXPECT_NEAR(hitRate("lru", "uniform", 8), 0.109, kTolerance);
    EXPECT_NEAR(hitRate("lru", "uniform", 16), 0.489, kTolerance);
    EXPECT_NEAR(hitRate("lru", "uniform", 32), 0.764, kTolerance);
}

TEST(ReferenceHitRates, SequenceLevelLfu) {
    EXPECT_NEAR(hitRate("lfu", "global", 8), 0.256, kTolerance);
    EXPECT_NEAR(hitRate("lfu", "global", 16), 0.473, kTolerance);
    EXPECT_NEAR(hitRate("lfu", "global", 32), 0.759, kTolerance);
}

} // namespace
} // namespace moescope::expert

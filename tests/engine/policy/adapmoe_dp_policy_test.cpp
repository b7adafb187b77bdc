#include "engine/policy/adapmoe_dp_policy.h"

#include <array>
#include <cmath>
#include <gmock/gmock.h>
#include <limits>
#include <numeric>
#include <random>

namespace moescope::policy {
namespace {

/// The published code's constants for Mixtral-8x7B at T = 0.005: share of single-expert tokens, and right prefetches out of the
/// 588 expert choices that they were measured on.
struct Published {
    double single;
    int foreseen;
};
constexpr std::array<Published, 32> kMixtral{
    {{0, 0},       {.0348, 333}, {.0049, 424}, {.0009, 464}, {.0004, 509}, {.0025, 505}, {.0079, 488}, {.0341, 494},
     {.0345, 499}, {.0491, 471}, {.0130, 528}, {.0196, 528}, {.0296, 525}, {.0055, 535}, {.0155, 544}, {.0284, 518},
     {.0639, 538}, {.0710, 552}, {.1407, 532}, {.2803, 517}, {.2987, 515}, {.3651, 525}, {.4145, 517}, {.3556, 515},
     {.4952, 522}, {.5210, 520}, {.5479, 542}, {.6180, 537}, {.7800, 521}, {.8840, 529}, {.9754, 531}, {.8577, 500}}};

AllocationParameters mixtral(bool gating, bool prefetch) {
    AllocationParameters parameters;
    for (const Published& layer : kMixtral) {
        if (gating)
            parameters.kept.push_back({layer.single, 1 - layer.single});
        if (prefetch)
            parameters.prefetchHit.push_back(layer.foreseen / 588.0);
    }
    return parameters;
}

double expectedLoads(const AllocationParameters& parameters, const std::vector<int>& slots) {
    double loads = 0;
    for (std::size_t layer = 0; layer < slots.size(); ++layer)
        loads += adapmoeLoads(8, parameters.kept.empty() ? std::vector<double>{0, 1} : parameters.kept[layer],
                              parameters.prefetchHit.empty() ? 0 : parameters.prefetchHit[layer])
                     .at(static_cast<std::size_t>(slots[layer]));
    return loads;
}

struct Golden {
    int slots;
    std::vector<int> allocation;
    double base, gating, prefetch, both, all; ///< expected loads per token: uniform, and all three parts together
};
const std::array<Golden, 3> kGolden{
    {{64,
      {8, 4, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
      48.0,
      42.0,
      22.1,
      17.7,
      16.2},
     {128,
      {8, 7, 6, 6, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 4, 4, 4, 3, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1},
      32.0,
      28.0,
      10.9,
      9.0,
      6.9},
     {192,
      {8, 8, 8, 8, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 7, 7, 6, 6, 6, 6, 6, 6, 6, 6, 6, 5, 5, 3, 1, 1, 1},
      16.0,
      14.0,
      3.5,
      3.1,
      1.9}}};

TEST(AdapmoeDpPolicy, GivesThePublishedCodesAllocations) {
    const AdapmoeDpPolicy policy(mixtral(true, true));
    for (const Golden& golden : kGolden) {
        const SlotPlan plan = policy.plan({.layers = 32, .experts = 8, .slots = golden.slots});
        EXPECT_EQ(plan.perLayer, golden.allocation) << golden.slots;
        EXPECT_EQ(plan.total, golden.slots);
    }
}

TEST(AdapmoeLoads, GiveTheExpectedLoadsOfTheTable) {
    for (const Golden& golden : kGolden) {
        const std::vector<int> uniform(32, golden.slots / 32);
        EXPECT_NEAR(expectedLoads(mixtral(false, false), uniform), golden.base, 1e-9);
        EXPECT_NEAR(expectedLoads(mixtral(true, false), uniform), golden.gating, 0.05);
        EXPECT_NEAR(expectedLoads(mixtral(false, true), uniform), golden.prefetch, 0.05);
        EXPECT_NEAR(expectedLoads(mixtral(true, true), uniform), golden.both, 0.05);
        EXPECT_NEAR(expectedLoads(mixtral(true, true), golden.allocation), golden.all, 0.05);
    }
}

TEST(AdapmoeLoads, AreThePapersFormForTopTwo) {
    std::mt19937 random(3);
    std::uniform_real_distribution<double> uniform(0, 1);
    for (int round = 0; round < 100; ++round) {
        const double a = uniform(random);
        const double b = uniform(random);
        const auto loads = adapmoeLoads(8, {a, 1 - a}, b);
        for (int t = 0; t <= 8; ++t) {
            const double one = 2.0 * t * (8 - t) / 56; // C1: exactly one of two missing
            const double two = (8.0 - t) * (7 - t) / 56;
            const double coded = a * (1 - t / 8.0) * (1 - b) + (1 - a) * (2 * two * (1 - b) + two * b + one * (1 - b));
            ASSERT_NEAR(loads[static_cast<std::size_t>(t)], coded, 1e-12);
        }
    }
}

/// Mean over all ways to choose n of 6 experts, of which the first t are cached.
double countedLoads(int n, int t, double prefetchHit) {
    double sum = 0;
    int ways = 0;
    for (unsigned chosen = 0; chosen < 64; ++chosen) {
        if (__builtin_popcount(chosen) != n)
            continue;
        const int missing = __builtin_popcount(chosen >> static_cast<unsigned>(t));
        sum += missing - (missing > 0 ? prefetchHit : 0);
        ++ways;
    }
    return sum / ways;
}

TEST(AdapmoeLoads, AgreeWithCountingForAnyTopK) {
    const std::vector<double> kept{.1, .2, .3, .4};
    const auto loads = adapmoeLoads(6, kept, .7);
    for (int t = 0; t <= 6; ++t) {
        double counted = 0;
        for (int n = 1; n <= 4; ++n)
            counted += kept[static_cast<std::size_t>(n - 1)] * countedLoads(n, t, .7);
        EXPECT_NEAR(loads[static_cast<std::size_t>(t)], counted, 1e-12) << t;
    }
}

/// The paper's dynamic programme: least[i][j] = min_k least[i-1][j-k] + cost_i(k), every layer at least one slot.
double optimumByDp(const std::vector<std::vector<double>>& cost, int slots) {
    const double never = std::numeric_limits<double>::infinity();
    std::vector<double> least(static_cast<std::size_t>(slots) + 1, never);
    least[0] = 0;
    for (const auto& layer : cost) {
        std::vector<double> next(least.size(), never);
        for (std::size_t j = 0; j < least.size(); ++j)
            for (std::size_t k = 1; k < layer.size() && k <= j; ++k)
                next[j] = std::min(next[j], least[j - k] + layer[k]);
        least = next;
    }
    return least.back();
}

TEST(AdapmoeDpPolicy, IsAsGoodAsTheDynamicProgramme) {
    std::mt19937 random(5);
    std::uniform_real_distribution<double> uniform(0, 1);
    for (int round = 0; round < 60; ++round) {
        const int layers = 1 + round % 6;
        const int experts = 2 + static_cast<int>(random() % 9);
        const int topK = 1 + static_cast<int>(random() % 4);
        AllocationParameters parameters{.topK = topK};
        std::vector<std::vector<double>> cost;
        for (int layer = 0; layer < layers; ++layer) {
            std::vector<double> kept;
            for (int n = 0; n < topK; ++n)
                kept.push_back(uniform(random));
            const double sum = std::accumulate(kept.begin(), kept.end(), 0.0);
            for (double& share : kept)
                share /= sum;
            parameters.kept.push_back(kept);
            parameters.prefetchHit.push_back(uniform(random));
            cost.push_back(adapmoeLoads(experts, kept, parameters.prefetchHit.back()));
        }
        const AdapmoeDpPolicy policy(parameters);
        for (int slots = layers; slots <= layers * experts; ++slots) {
            const SlotPlan plan = policy.plan({.layers = layers, .experts = experts, .slots = slots});
            ASSERT_EQ(std::accumulate(plan.perLayer.begin(), plan.perLayer.end(), 0), slots);
            double loads = 0;
            for (std::size_t layer = 0; layer < cost.size(); ++layer) {
                ASSERT_GE(plan.perLayer[layer], 1);
                ASSERT_LE(plan.perLayer[layer], experts);
                loads += cost[layer][static_cast<std::size_t>(plan.perLayer[layer])];
            }
            ASSERT_NEAR(loads, optimumByDp(cost, slots), 1e-9);
        }
    }
}

TEST(AdapmoeDpPolicy, KnowingNothingItIsUniform) {
    const auto uniform = makeAllocationPolicy("uniform");
    const AdapmoeDpPolicy policy({});
    for (int slots = 0; slots <= 34; ++slots) {
        const AllocationQuestion question{.layers = 4, .experts = 8, .slots = slots};
        ASSERT_EQ(policy.plan(question), uniform->plan(question)) << slots;
    }
}

TEST(AdapmoeDpPolicy, WhatDoesNotFitIsRefused) {
    EXPECT_THROW(AdapmoeDpPolicy({.kept = {{.5, .6}}}), std::invalid_argument);
    EXPECT_THROW(AdapmoeDpPolicy({.kept = {{1.5, -.5}}}), std::invalid_argument);
    EXPECT_THROW(AdapmoeDpPolicy({.prefetchHit = {1.5}}), std::invalid_argument);
    EXPECT_THROW(AdapmoeDpPolicy({.prefetchHit = {std::nan("")}}), std::invalid_argument);
    EXPECT_THROW(AdapmoeDpPolicy({.prefetchHit = {.5, .5}}).plan({.layers = 3, .experts = 8, .slots = 9}),
                 std::invalid_argument);
}

} // namespace
} // namespace moescope::policy

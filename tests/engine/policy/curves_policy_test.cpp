#include "engine/policy/curves_policy.h"

#include "engine/policy/marginal_gain.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <numeric>
#include <random>

namespace moescope::policy {
namespace {

using testing::ElementsAre;
using Curves = std::vector<std::vector<double>>;

double costOf(const Curves& cost, const std::vector<int>& given) {
    double sum = 0;
    for (std::size_t layer = 0; layer < cost.size(); ++layer)
        sum += cost[layer][static_cast<std::size_t>(given[layer])];
    return sum;
}

/// The least cost over all ways to share the slots out.
double bruteForce(const Curves& cost, int slots, std::size_t layer = 0) {
    if (layer == cost.size())
        return slots == 0 ? 0 : 1e9;
    double best = 1e9;
    for (int give = 1; give < static_cast<int>(cost[layer].size()) && give <= slots; ++give)
        best = std::min(best, cost[layer][static_cast<std::size_t>(give)] + bruteForce(cost, slots - give, layer + 1));
    return best;
}

/// Falling curves, convex if wanted.
Curves randomCosts(std::mt19937& random, int layers, int experts, bool convex) {
    Curves cost;
    for (int layer = 0; layer < layers; ++layer) {
        std::vector<double> falls;
        for (int i = 0; i < experts; ++i)
            falls.push_back(static_cast<double>(random() % 1000) / 1000);
        if (convex)
            std::sort(falls.begin(), falls.end(), std::greater<>());
        std::vector<double>& curve = cost.emplace_back(1, 10.0);
        for (const double fall : falls)
            curve.push_back(curve.back() - fall);
    }
    return cost;
}

TEST(AllocateByGain, IsTheOptimumForConvexCosts) {
    std::mt19937 random(7);
    for (int round = 0; round < 60; ++round) {
        const Curves cost = randomCosts(random, 4, 5, true);
        for (int slots = 4; slots <= 20; ++slots) {
            const auto given = allocateByGain(cost, slots);
            ASSERT_EQ(std::accumulate(given.begin(), given.end(), 0), slots);
            ASSERT_NEAR(costOf(cost, given), bruteForce(cost, slots), 1e-9);
        }
    }
}

TEST(AllocateByGain, IsNearTheOptimumForOthers) {
    std::mt19937 random(9);
    for (int round = 0; round < 60; ++round) {
        const Curves cost = randomCosts(random, 4, 5, false);
        for (int slots = 4; slots <= 20; ++slots) {
            const auto given = allocateByGain(cost, slots);
            ASSERT_EQ(std::accumulate(given.begin(), given.end(), 0), slots);
            for (const int one : given) {
                ASSERT_GE(one, 1);
                ASSERT_LE(one, 5);
            }
            // Only the last step along the hulls can be cut off: it spans at most 4 slots, each worth at most 1.
            ASSERT_LE(costOf(cost, given) - bruteForce(cost, slots), 4.0);
        }
    }
}

TEST(AllocateByGain, SeesBehindAFlatStretch) {
    // Nothing until three slots, then everything: plain marginal gain would never begin.
    const Curves cost{{1, 1, 1, 0, 0}, {1, .9, .8, .7, .6}};
    EXPECT_THAT(allocateByGain(cost, 5), ElementsAre(3, 2));
    EXPECT_THAT(allocateByGain(cost, 4), ElementsAre(3, 1));
    EXPECT_THAT(allocateByGain(cost, 3), ElementsAre(1, 2)); // two more do not fit: the other layer has more of one
}

TEST(AllocateByGain, EqualGainsAreSharedEvenly) {
    const Curves cost(3, {1, .75, .5, .25, 0});
    EXPECT_THAT(allocateByGain(cost, 7), ElementsAre(3, 2, 2));
    EXPECT_THAT(allocateByGain(Curves(3, {0, 0, 0, 0, 0}), 8), ElementsAre(3, 3, 2));
}

TEST(CurvesPolicy, GivesWhereTheMeasuredCurveRises) {
    // Layer 0 needs three slots for its locality, layer 1 is served by one, layer 2 gains evenly.
    const AllocationParameters parameters{.hitCurve = {{0, .1, .2, .9, 1}, {0, .9, .95, .98, 1}, {0, .25, .5, .75, 1}}};
    const CurvesPolicy policy(parameters);
    EXPECT_THAT(policy.plan({.layers = 3, .experts = 4, .slots = 8}).perLayer, ElementsAre(3, 1, 4));
    EXPECT_THAT(policy.plan({.layers = 3, .experts = 4, .slots = 6}).perLayer, ElementsAre(3, 1, 2));
    EXPECT_EQ(policy.plan({.layers = 3, .experts = 4, .slots = 0}).total, 3);
    EXPECT_EQ(policy.plan({.layers = 3, .experts = 4, .slots = 99}).total, 12);
}

TEST(CurvesPolicy, ALayerThatAsksForLessGetsLess) {
    AllocationParameters parameters{.hitCurve = Curves(2, {0, .25, .5, .75, 1})};
    parameters.kept = {{1, 0}, {0, 1}};
    EXPECT_THAT(CurvesPolicy(parameters).plan({.layers = 2, .experts = 4, .slots = 5}).perLayer, ElementsAre(1, 4));
    parameters.prefetchHit = {0, .9};
    EXPECT_THAT(CurvesPolicy(parameters).plan({.layers = 2, .experts = 4, .slots = 5}).perLayer, ElementsAre(4, 1));
}

TEST(CurvesPolicy, MissingOrImpossibleCurvesAreRefused) {
    EXPECT_THROW(CurvesPolicy({}), std::invalid_argument);
    EXPECT_THROW(CurvesPolicy({.hitCurve = {{0, 1.1}}}), std::invalid_argument);
    const CurvesPolicy policy({.hitCurve = {{0, .5, 1}}});
    EXPECT_THROW(policy.plan({.layers = 2, .experts = 2, .slots = 2}), std::invalid_argument);
    EXPECT_THROW(policy.plan({.layers = 1, .experts = 3, .slots = 2}), std::invalid_argument);
}

} // namespace
} // namespace moescope::policy

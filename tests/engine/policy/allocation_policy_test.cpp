#include "engine/policy/allocation_policy.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <numeric>

namespace moescope::policy {
namespace {

using testing::ElementsAre;

TEST(UniformPolicy, TheRemainderGoesToTheFirstLayers) {
    const SlotPlan plan = makeAllocationPolicy("uniform")->plan({.layers = 4, .experts = 8, .slots = 10});
    EXPECT_EQ(plan.total, 10);
    EXPECT_THAT(plan.perLayer, ElementsAre(3, 3, 2, 2));
    EXPECT_FALSE(plan.global());
}

TEST(UniformPolicy, ATinyBudgetStillGivesEveryLayerASlot) {
    const SlotPlan plan = makeAllocationPolicy("uniform")->plan({.layers = 4, .experts = 8, .slots = 2});
    EXPECT_EQ(plan.total, 4);
    EXPECT_THAT(plan.perLayer, ElementsAre(1, 1, 1, 1));
}

TEST(UniformPolicy, EveryBudgetIsSpentWithinTheBounds) {
    const auto policy = makeAllocationPolicy("uniform");
    for (int layers = 1; layers <= 9; ++layers)
        for (int experts = 1; experts <= 9; ++experts)
            for (int slots = -1; slots <= layers * experts + 3; ++slots) {
                const SlotPlan plan = policy->plan({.layers = layers, .experts = experts, .slots = slots});
                ASSERT_EQ(std::accumulate(plan.perLayer.begin(), plan.perLayer.end(), 0), plan.total);
                ASSERT_EQ(plan.total, std::clamp(slots, layers, layers * experts));
                const auto [least, most] = std::minmax_element(plan.perLayer.begin(), plan.perLayer.end());
                ASSERT_GE(*least, 1);
                ASSERT_LE(*most, experts);
                ASSERT_LE(*most - *least, 1);
            }
}

TEST(GlobalPolicy, OnePoolWithinTheBounds) {
    const auto policy = makeAllocationPolicy("global");
    for (const auto& [asked, given] : {std::pair{-3, 1}, {0, 1}, {1, 1}, {17, 17}, {32, 32}, {99, 32}}) {
        const SlotPlan plan = policy->plan({.layers = 4, .experts = 8, .slots = asked});
        EXPECT_EQ(plan.total, given);
        EXPECT_TRUE(plan.global());
    }
}

TEST(AllocationPolicies, EveryNameBuildsThatPolicyAndOthersAreRefused) {
    const AllocationParameters parameters{.hitCurve = {{0, .5, 1}}};
    for (const std::string& name : allocationPolicyNames())
        EXPECT_EQ(makeAllocationPolicy(name, parameters)->name(), name);
    EXPECT_THROW(makeAllocationPolicy("fair"), std::invalid_argument);
}

} // namespace
} // namespace moescope::policy

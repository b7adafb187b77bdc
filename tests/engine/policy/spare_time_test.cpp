#include "engine/policy/spare_time.h"

#include <gtest/gtest.h>

namespace moescope::policy {
namespace {

constexpr std::int64_t kExpert = 1000;

TEST(SpareTime, AllowsNothingUntilWindowAndSpeedAreKnown) {
    SpareTime spare(2);
    EXPECT_EQ(spare.budget(0, kExpert), 0);
    spare.copied(1000, 100);
    EXPECT_EQ(spare.budget(0, kExpert), 0);
    EXPECT_DOUBLE_EQ(spare.bytesPerSecond(), 1e10);
    spare.window(0, 300, 0);
    EXPECT_EQ(spare.budget(0, kExpert), 3 * kExpert);
    EXPECT_EQ(spare.budget(1, kExpert), 0) << "each layer has its own window";
    spare.forgetSpeed();
    EXPECT_EQ(spare.budget(0, kExpert), 0);
}

TEST(SpareTime, IsTheWindowLessTheDemandTimesTheSpeed) {
    SpareTime spare(1);
    spare.copied(1000, 100);
    spare.window(0, 500, 200);
    EXPECT_DOUBLE_EQ(spare.spareNs(0), 300);
    EXPECT_EQ(spare.budget(0, kExpert), 3 * kExpert);
    SpareTime saturated(1);
    saturated.copied(1000, 100);
    saturated.window(0, 500, 700);
    EXPECT_EQ(saturated.spareNs(0), 0);
    EXPECT_EQ(saturated.budget(0, kExpert), 0) << "a saturated link has no time for guesses";
}

TEST(SpareTime, CountsWholeExpertsOfWhichTheLargerHalfFits) {
    SpareTime spare(1);
    spare.copied(1000, 100);
    spare.window(0, 49, 0);
    EXPECT_EQ(spare.budget(0, kExpert), 0);
    SpareTime longer(1);
    longer.copied(1000, 100);
    longer.window(0, 151, 0);
    EXPECT_EQ(longer.budget(0, kExpert), 2 * kExpert);
    EXPECT_EQ(longer.budget(0, 0), 0);
}

TEST(SpareTime, FollowsASlowerLinkAndShorterWindows) {
    SpareTime spare(1);
    spare.copied(1000, 100);
    spare.window(0, 400, 0);
    for (int i = 0; i < 60; ++i) {
        spare.copied(1000, 400);
        spare.window(0, 800, 300);
    }
    EXPECT_NEAR(spare.bytesPerSecond(), 2.5e9, 1e7);
    EXPECT_NEAR(spare.spareNs(0), 500, 1);
    EXPECT_EQ(spare.budget(0, kExpert), kExpert);
}

TEST(SpareTime, OneInterruptedStepDoesNotBuyADozenOfGuesses) {
    SpareTime spare(1);
    spare.copied(1000, 100);
    spare.window(0, 100, 0);
    spare.window(0, 100'000'000, 0);
    EXPECT_LE(spare.budget(0, kExpert), 2 * kExpert);
    spare.copied(0, 5);
    spare.copied(5, 0);
    EXPECT_DOUBLE_EQ(spare.bytesPerSecond(), 1e10);
}

} // namespace
} // namespace moescope::policy

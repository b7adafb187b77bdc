#include "engine/policy/prefetch_watch.h"

#include <gtest/gtest.h>

namespace moescope::policy {
namespace {

using Turn = PrefetchWatch::Turn;

constexpr PrefetchWatch::Limits kSmall{.window = 4, .fewest = 3, .rest = 5, .longest = 12};

Turn step(PrefetchWatch& watch, trace::TimeNs hidden, trace::TimeNs delay, int guesses = 1) {
    for (int i = 0; i < guesses; ++i)
        watch.guessed();
    watch.hid(hidden);
    watch.delayed(delay);
    return watch.endStep();
}

TEST(PrefetchWatch, LetsGuessesGoOnThatGain) {
    PrefetchWatch watch(kSmall);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(step(watch, 10, 9), Turn::None);
    EXPECT_FALSE(watch.resting());
    EXPECT_EQ(watch.balance().guesses, 4) << "the window only";
    EXPECT_EQ(watch.balance().hidden, 40);
}

TEST(PrefetchWatch, RestsGuessesThatLoseAndTriesThemAgain) {
    PrefetchWatch watch(kSmall);
    EXPECT_EQ(step(watch, 1, 2), Turn::None) << "one guess says nothing";
    EXPECT_EQ(step(watch, 1, 2), Turn::None);
    EXPECT_EQ(step(watch, 1, 2), Turn::Rests);
    EXPECT_TRUE(watch.resting());
    EXPECT_EQ(watch.balance().hidden, 3);
    EXPECT_EQ(watch.balance().delay, 6);
    EXPECT_EQ(watch.restSteps(), 5);
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(step(watch, 0, 100), Turn::None) << "a rest is not shortened or lengthened";
    EXPECT_EQ(step(watch, 0, 0), Turn::Resumes);
    EXPECT_FALSE(watch.resting());
    EXPECT_EQ(watch.balance().guesses, 0);
}

/// Steps from one rest's begin to its end.
int restAfterLosing(PrefetchWatch& watch) {
    while (step(watch, 0, 1) != Turn::Rests) {
    }
    int steps = 1;
    while (step(watch, 0, 0, 0) != Turn::Resumes)
        ++steps;
    return steps;
}

TEST(PrefetchWatch, EachFailureInARowDoublesTheRestUpToALimit) {
    PrefetchWatch watch(kSmall);
    EXPECT_EQ(restAfterLosing(watch), 5);
    EXPECT_EQ(restAfterLosing(watch), 10);
    EXPECT_EQ(restAfterLosing(watch), 12);
    EXPECT_EQ(restAfterLosing(watch), 12);
    for (int i = 0; i < 4; ++i)
        step(watch, 2, 1);
    EXPECT_EQ(restAfterLosing(watch), 5) << "a good window starts anew";
}

TEST(PrefetchWatch, OldStepsLeaveTheWindow) {
    PrefetchWatch watch(kSmall);
    step(watch, 1000, 0);
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(step(watch, 0, 10), Turn::None);
    EXPECT_EQ(step(watch, 0, 10), Turn::Rests);
}

} // namespace
} // namespace moescope::policy

#include "profiler/gpu/clock_alignment.h"

#include <array>
#include <cstdlib>
#include <gtest/gtest.h>
#include <limits>

namespace moescope::gpu {
namespace {

TEST(ClockAlignment, TheNarrowestBracketCounts) {
    // The tracer's clock is 1'000'000 ahead of the session's.
    const std::array<ClockReading, 3> readings{
        ClockReading{0, 1'004'000, 9'000}, {10'000, 1'010'050, 10'100}, {20'000, 1'020'900, 21'000}};
    const ClockAlignment alignment = alignClocks(readings);
    EXPECT_EQ(alignment.offsetNs, -1'000'000);
    EXPECT_EQ(alignment.errorNs, 50);
    EXPECT_EQ(alignment.toSession(1'010'050), 10'050);
}

TEST(ClockAlignment, TheTrueOffsetLiesWithinTheStatedError) {
    for (const std::int64_t offset : std::array<std::int64_t, 5>{-1'700'000'000'000'000'000, -1, 0, 1, 123'456'789})
        for (std::int64_t bracket = 0; bracket < 9; ++bracket)
            for (std::int64_t seen = 0; seen <= bracket; ++seen) {
                const std::array<ClockReading, 1> one{ClockReading{1000, 1000 + seen - offset, 1000 + bracket}};
                const ClockAlignment alignment = alignClocks(one);
                EXPECT_LE(std::abs(alignment.offsetNs - offset), alignment.errorNs);
                EXPECT_LE(alignment.errorNs, (bracket + 1) / 2);
            }
}

TEST(ClockAlignment, WithoutASoundReadingNothingIsKnown) {
    const std::array<ClockReading, 1> backwards{ClockReading{10, 5, 9}};
    EXPECT_EQ(alignClocks(backwards).errorNs, std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(alignClocks({}).errorNs, std::numeric_limits<std::int64_t>::max());
}

TEST(ClockAlignment, ALaterLookCountsWhenItIsSurerOrAClockWasSet) {
    const ClockAlignment current{1000, 50};
    EXPECT_EQ(refined(current, {1020, 40}).offsetNs, 1020);
    EXPECT_EQ(refined(current, {1020, 60}).offsetNs, 1000);
    EXPECT_EQ(refined(current, {5'000'000, 900}).offsetNs, 5'000'000);
    EXPECT_EQ(refined(alignClocks({}), {7, 900}).offsetNs, 7);
}

} // namespace
} // namespace moescope::gpu

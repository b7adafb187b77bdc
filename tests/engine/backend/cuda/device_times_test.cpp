#include "engine/backend/cuda/device_times.h"

#include <gtest/gtest.h>
#include <random>

namespace moescope::backend::cuda {
namespace {

TEST(DeviceTimes, OnePieceOfWorkIsEnclosedByWhatTheHostSaw) {
    DeviceTimes times;
    const auto span = times.hostSpan({.handedAt = 1000, .seenAt = 9000, .deviceBegin = 100, .deviceEnd = 5100});
    EXPECT_EQ(span.begin, 1000);
    EXPECT_EQ(span.end, 9000);
    EXPECT_EQ(times.error(), 3000);
}

TEST(DeviceTimes, ALateWakeUpDoesNotMoveASpanOnceOneWasSeenInTime) {
    DeviceTimes times;
    times.hostSpan({.handedAt = 10'000, .seenAt = 20'000, .deviceBegin = 1000, .deviceEnd = 10'500});
    EXPECT_EQ(times.error(), 500);
    const auto span = times.hostSpan({.handedAt = 30'000, .seenAt = 400'000, .deviceBegin = 25'000, .deviceEnd = 26'000});
    EXPECT_NEAR(static_cast<double>(span.begin), 34'000, 50);
    EXPECT_NEAR(static_cast<double>(span.end), 35'500, 50);
}

TEST(DeviceTimes, EverySpanEnclosesTheTruthAndBoundsGrowTightWhileClocksDrift) {
    std::mt19937 random(7);
    const auto upTo = [&](int most) { return static_cast<trace::TimeNs>(random() % static_cast<unsigned>(most)); };
    for (const double ppm : {0.0, 40.0, -60.0}) {
        DeviceTimes times;
        trace::TimeNs now = 5'000'000'000;
        const auto device = [&](trace::TimeNs host) {
            return static_cast<trace::TimeNs>(static_cast<double>(host - 4'999'000'000) * (1 + ppm * 1e-6));
        };
        for (int i = 0; i < 2000; ++i) {
            const trace::TimeNs begin = now + 2000 + upTo(8000);
            const trace::TimeNs end = begin + 80'000;
            const trace::TimeNs seen = end + 1500 + (i % 50 == 0 ? 370'000 : upTo(9000));
            const auto span = times.hostSpan({now, seen, device(begin), device(end)});
            ASSERT_LE(span.begin, begin);
            ASSERT_GE(span.end, end);
            ASSERT_GE(span.begin, now);
            ASSERT_LE(span.end, seen);
            now = seen + upTo(100'000);
        }
        EXPECT_LT(times.error(), 6000) << ppm;
    }
}

TEST(DeviceTimes, ClocksThatJumpApartAreLearntAnew) {
    DeviceTimes times;
    times.hostSpan({.handedAt = 0, .seenAt = 100, .deviceBegin = 10, .deviceEnd = 90});
    const auto span = times.hostSpan({.handedAt = 200, .seenAt = 300, .deviceBegin = 9210, .deviceEnd = 9290});
    EXPECT_EQ(span.begin, 200);
    EXPECT_EQ(span.end, 300);
}

} // namespace
} // namespace moescope::backend::cuda

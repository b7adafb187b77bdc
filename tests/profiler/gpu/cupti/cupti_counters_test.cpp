#include "profiler/gpu/cupti_counters.h"

#include "tests/profiler/gpu/cupti/fake_counters.h"
#include "tests/profiler/gpu/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moescope::gpu {
namespace {

using ::testing::HasSubstr;
using tests::FakeCounters;

constexpr std::int64_t kKnown = 64 << 20;

struct Bench {
    FakeCounters fake;
    EventLog log;
    trace::SteadyClock clock;

    /// The known copy shows as so many bytes in the two counters of the link.
    std::unique_ptr<CuptiCounters> counters(double read, double written) {
        const auto copy = [this, read, written] {
            const std::uint64_t now = FakeCounters::now();
            fake.put({now, now + 1'000'000, {read, written}});
            return kKnown;
        };
        return std::make_unique<CuptiCounters>(fake.api(), copy, log, clock);
    }
    std::string complaint() {
        try {
            counters(0, 0);
            return {};
        } catch (const CuptiMissing& missing) {
            return missing.what();
        }
    }
};

TEST(CuptiCounters, ReadingsComeOutOnTheSessionsClockWithoutTheFirst) {
    Bench bench;
    auto counters = bench.counters(1.05 * kKnown, 0.06 * kKnown);
    EXPECT_EQ(counters->interval(), 1'000'000);
    EXPECT_THAT(counters->status(), HasSubstr("GH100"));
    EXPECT_THAT(counters->status(), HasSubstr("70.5 MB in and 4.0 MB out"));
    const trace::TimeNs before = bench.clock.now();
    const std::uint64_t now = FakeCounters::now();
    bench.fake.put({now, now + 1'000'000, {5e7, 1e6, 30, 12, 88, 2}});
    counters->finish();
    const auto samples = bench.log.all<trace::CounterSample>();
    ASSERT_EQ(samples.size(), 1U);
    EXPECT_NEAR(static_cast<double>(samples[0].begin), static_cast<double>(before), 50e6);
    EXPECT_EQ(samples[0].end - samples[0].begin, 1'000'000);
    EXPECT_EQ(samples[0].fromHostBytes, 50'000'000);
    EXPECT_EQ(samples[0].toHostBytes, 1'000'000);
    EXPECT_FLOAT_EQ(samples[0].memoryReadPercent, 30);
    EXPECT_FLOAT_EQ(samples[0].memoryWritePercent, 12);
    EXPECT_FLOAT_EQ(samples[0].multiprocessorPercent, 88);
    EXPECT_FLOAT_EQ(samples[0].tensorPercent, 2);
    counters.reset();
    EXPECT_EQ(bench.fake.hosts, 0);
    EXPECT_EQ(bench.fake.enabled, 0);
    EXPECT_EQ(bench.fake.running, 0);
}

TEST(CuptiCounters, TheKnownCopyTellsWhichCounterIsWhich) {
    Bench bench;
    auto counters = bench.counters(0.06 * kKnown, 1.05 * kKnown);
    const std::uint64_t now = FakeCounters::now();
    bench.fake.put({now, now + 1'000'000, {5e6, 9e7}});
    counters->finish();
    const auto samples = bench.log.all<trace::CounterSample>();
    ASSERT_EQ(samples.size(), 1U);
    EXPECT_EQ(samples[0].fromHostBytes, 90'000'000);
    EXPECT_EQ(samples[0].toHostBytes, 5'000'000);
    EXPECT_THAT(counters->status(), HasSubstr("70.5 MB in and 4.0 MB out"));
}

TEST(CuptiCounters, ACopyThatNoCounterSawIsSaid) {
    Bench bench;
    EXPECT_THAT(bench.counters(0, 0)->status(), HasSubstr("may be swapped"));
}

TEST(CuptiCounters, AMissingPrivilegeIsOneSentenceAndNothingStaysOn) {
    Bench bench;
    bench.fake.enableResult = CUPTI_ERROR_INSUFFICIENT_PRIVILEGES;
    EXPECT_EQ(bench.complaint(), "The GPU's counters are not read: the driver lets only administrators profile (35, "
                                 "CUPTI_ERROR_OF_THE_FAKE).");
    bench.fake.enableResult = CUPTI_ERROR_HARDWARE_BUSY;
    EXPECT_THAT(bench.complaint(), HasSubstr("another program is profiling this GPU"));
    EXPECT_EQ(bench.fake.enabled, 0);
}

TEST(CuptiCounters, WhatDoesNotFitOnePassIsLeftOut) {
    Bench bench;
    bench.fake.passesOfFull = 2;
    auto counters = bench.counters(1.05 * kKnown, 0);
    EXPECT_EQ(bench.fake.metrics, 2U);
    counters->finish();
}

TEST(CuptiCounters, AGapBetweenReadingsIsALoss) {
    Bench bench;
    auto counters = bench.counters(1.05 * kKnown, 0);
    const std::uint64_t now = FakeCounters::now();
    bench.fake.put({now, now + 1'000'000, {1, 1}});
    bench.fake.put({now + 11'000'000, now + 12'000'000, {1, 1}});
    counters->finish();
    EXPECT_EQ(bench.log.all<trace::CounterSample>().size(), 2U);
    const auto lost = bench.log.all<trace::RecordsLost>();
    ASSERT_EQ(lost.size(), 1U);
    EXPECT_EQ(lost[0].count, 10);
    EXPECT_EQ(lost[0].end - lost[0].begin, 10'000'000);
}

TEST(CuptiCounters, StoppedOnPurposeNothingIsLost) {
    Bench bench;
    auto counters = bench.counters(1.05 * kKnown, 0);
    const std::uint64_t now = FakeCounters::now();
    bench.fake.put({now, now + 1'000'000, {1, 1}});
    counters->setReading(false);
    EXPECT_EQ(bench.fake.running, 0);
    counters->setReading(true);
    bench.fake.put({now + 50'000'000, now + 51'000'000, {1, 1}});
    counters->finish();
    EXPECT_EQ(bench.log.all<trace::CounterSample>().size(), 2U);
    EXPECT_TRUE(bench.log.all<trace::RecordsLost>().empty());
}

TEST(CuptiCounters, AFailureLaterIsANoteAndTheRunGoesOn) {
    Bench bench;
    auto counters = bench.counters(1.05 * kKnown, 0);
    bench.fake.decodeResult = CUPTI_ERROR_HARDWARE_BUSY;
    counters->finish();
    const auto notes = bench.log.all<trace::NoteMade>();
    ASSERT_EQ(notes.size(), 1U);
}

} // namespace
} // namespace moescope::gpu

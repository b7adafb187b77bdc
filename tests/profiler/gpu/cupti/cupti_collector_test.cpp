#include "profiler/gpu/cupti_collector.h"

#include "profiler/gpu/cupti_switches.h"
#include "profiler/gpu/scope_code.h"
#include "tests/profiler/gpu/cupti/fake_cupti.h"
#include "tests/profiler/gpu/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moescope::gpu {
namespace {

using ::testing::HasSubstr;
using tests::copyActivity;
using tests::FakeCupti;
using tests::scopeActivity;

struct Bench {
    FakeCupti cupti;
    EventLog log;
    trace::SteadyClock clock;

    std::unique_ptr<CuptiCollector> collector(TraceLevel level) {
        return std::make_unique<CuptiCollector>(cupti.api(), level, log, clock);
    }
    std::string complaint(TraceLevel level) {
        try {
            collector(level);
            return {};
        } catch (const CuptiMissing& missing) {
            return missing.what();
        }
    }
    /// What the fake's clock shows now.
    std::uint64_t now() {
        std::uint64_t time = 0;
        cupti.api().timestamp(&time);
        return time;
    }
};

TEST(CuptiCollector, ACopyComesOutTiedToItsTransferOnTheSessionsClock) {
    Bench bench;
    bench.cupti.clockAhead = 1'000'000'000'000;
    auto collector = bench.collector(TraceLevel::Copies);
    const trace::Scope scope{trace::TokenIndex(7), trace::expertKey(3, 5), trace::Stage::Experts, trace::TransferId(42)};
    const trace::TimeNs before = bench.clock.now();
    const std::uint64_t start = bench.now();
    bench.cupti.put(copyActivity(start, start + 500, 4096, 9));
    bench.cupti.put(scopeActivity(CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0, encodePlace(scope), 9));
    bench.cupti.put(scopeActivity(CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM1, encodeTransfer(scope.transfer), 9));
    collector->flush();
    const trace::TimeNs after = bench.clock.now();
    const auto spans = bench.log.all<trace::GpuCopySpan>();
    ASSERT_EQ(spans.size(), 1U);
    const auto clocks = bench.log.all<trace::ClockAligned>();
    ASSERT_FALSE(clocks.empty());
    EXPECT_GE(spans[0].begin, before - clocks[0].errorNs);
    EXPECT_LE(spans[0].begin, after + clocks[0].errorNs);
    EXPECT_EQ(spans[0].end - spans[0].begin, 500);
    EXPECT_EQ(spans[0].transfer, scope.transfer);
    EXPECT_EQ(spans[0].key, scope.key);
    collector->finish();
    EXPECT_EQ(bench.cupti.subscribed, 0);
    EXPECT_TRUE(bench.cupti.enabled.empty());
}

TEST(CuptiCollector, EachLevelRecordsWhatTheOneBelowDoes) {
    const auto kindsOf = [](TraceLevel level) {
        const auto kinds = activityKinds(level);
        return std::vector<CUpti_ActivityKind>(kinds.begin(), kinds.end());
    };
    EXPECT_TRUE(kindsOf(TraceLevel::Engine).empty());
    for (const CUpti_ActivityKind kind : kindsOf(TraceLevel::Copies))
        EXPECT_THAT(kindsOf(TraceLevel::Launches), ::testing::Contains(kind));
    const auto kernels = kindsOf(TraceLevel::Kernels);
    EXPECT_THAT(kernels, ::testing::Contains(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL));
    EXPECT_THAT(kernels, ::testing::Not(::testing::Contains(CUPTI_ACTIVITY_KIND_KERNEL))); // it would serialise them
    EXPECT_THAT(kernels, ::testing::Not(::testing::Contains(CUPTI_ACTIVITY_KIND_GRAPH_TRACE)));
    EXPECT_LT(runtimeCalls(TraceLevel::Copies).size(), runtimeCalls(TraceLevel::Launches).size());
    EXPECT_LT(runtimeCalls(TraceLevel::Launches).size(), runtimeCalls(TraceLevel::Kernels).size());
}

TEST(CuptiCollector, ScopesBecomeExternalIds) {
    Bench bench;
    auto collector = bench.collector(TraceLevel::Copies);
    {
        const trace::Scope stage{trace::TokenIndex(7), {trace::Layer(3), {}}, trace::Stage::Router, {}};
        const trace::OpenScope open(collector->scopes(), stage);
        const trace::OpenScope inner(
            collector->scopes(), {trace::TokenIndex(7), trace::expertKey(3, 5), trace::Stage::Experts, trace::TransferId(8)});
        EXPECT_EQ(bench.cupti.open, 3);
        EXPECT_EQ(bench.cupti.pushed[0], std::pair(CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0, std::uint64_t{encodePlace(stage)}));
        EXPECT_EQ(bench.cupti.pushed[2],
                  std::pair(CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM1, encodeTransfer(trace::TransferId(8))));
    }
    EXPECT_EQ(bench.cupti.open, 0);
}

TEST(CuptiCollector, AnOuterTransferIsNotTheInnerScopes) {
    Bench bench;
    auto collector = bench.collector(TraceLevel::Copies);
    const trace::OpenScope outer(collector->scopes(),
                                 {{}, trace::expertKey(3, 5), trace::Stage::Experts, trace::TransferId(8)});
    const trace::OpenScope inner(collector->scopes(), {{}, {trace::Layer(3), {}}, trace::Stage::Router, {}});
    EXPECT_EQ(bench.cupti.pushed.back().first, CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM1);
    EXPECT_FALSE(decodeTransfer(bench.cupti.pushed.back().second).valid());
}

TEST(CuptiCollector, RecordingMayStopInsideAScope) {
    Bench bench;
    auto collector = bench.collector(TraceLevel::Launches);
    {
        const trace::OpenScope open(collector->scopes(), {trace::TokenIndex(7), {}, trace::Stage::Router, {}});
        collector->setRecording(false);
        EXPECT_TRUE(bench.cupti.enabled.empty());
        const trace::OpenScope quiet(collector->scopes(), {trace::TokenIndex(8), {}, trace::Stage::Router, {}});
        EXPECT_EQ(bench.cupti.pushed.size(), 1U);
    }
    EXPECT_EQ(bench.cupti.open, 0);
    collector->setRecording(true);
    EXPECT_FALSE(bench.cupti.enabled.empty());
    collector->finish();
    // The session says when the device was not looked at.
    std::vector<int> levels;
    for (const auto& sample : bench.log.all<trace::TracerSample>())
        levels.push_back(sample.level);
    EXPECT_THAT(levels, ::testing::Contains(0));
    EXPECT_EQ(levels.front(), 2);
    EXPECT_EQ(levels.back(), 0);
}

TEST(CuptiCollector, LossIsCountedWithItsCauseAndTime) {
    Bench bench;
    auto collector = bench.collector(TraceLevel::Copies);
    bench.cupti.dropped = 17;
    bench.cupti.put(copyActivity(0, 0, 64, 1));
    CUpti_ActivityKernel10 nonsense{};
    nonsense.kind = CUPTI_ACTIVITY_KIND_PCIE;
    bench.cupti.put(nonsense);
    collector->flush();
    std::map<trace::LossCause, std::int64_t> lost;
    for (const auto& loss : bench.log.all<trace::RecordsLost>()) {
        lost[loss.cause] += loss.count;
        EXPECT_LE(loss.begin, loss.end);
    }
    EXPECT_EQ(lost[trace::LossCause::DeviceBuffers], 17);
    EXPECT_EQ(lost[trace::LossCause::Untimed], 1);
    EXPECT_EQ(lost[trace::LossCause::Unreadable], 1);
}

TEST(CuptiCollector, ATakenSubscriptionNamesItsHolder) {
    Bench bench;
    bench.cupti.subscribeResult = CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED;
    bench.cupti.holder = "Nsight Systems";
    EXPECT_THAT(bench.complaint(TraceLevel::Copies), HasSubstr("Nsight Systems is tracing this process already"));
    bench.cupti.holder.clear();
    EXPECT_THAT(bench.complaint(TraceLevel::Copies), HasSubstr("another tool is tracing"));
}

TEST(CuptiCollector, MissingPermissionLeavesNothingSwitchedOn) {
    Bench bench;
    bench.cupti.enableResults[CUPTI_ACTIVITY_KIND_OVERHEAD] = CUPTI_ERROR_INSUFFICIENT_PRIVILEGES;
    EXPECT_THAT(bench.complaint(TraceLevel::Copies), HasSubstr("only administrators"));
    EXPECT_TRUE(bench.cupti.enabled.empty());
    EXPECT_EQ(bench.cupti.subscribed, 0);
}

TEST(CuptiCollector, WithoutADriverTheSentenceSaysSo) {
    Bench bench;
    bench.cupti.subscribeResult = CUPTI_ERROR_UNKNOWN;
    EXPECT_THAT(bench.complaint(TraceLevel::Kernels), HasSubstr("no NVIDIA driver"));
}

TEST(CuptiApi, AnotherVersionsRecordsAreNotRead) {
    FakeCupti cupti;
    EXPECT_NO_THROW(checkCuptiVersion(cupti.api()));
    cupti.version = 130100;
    try {
        checkCuptiVersion(cupti.api());
        FAIL();
    } catch (const CuptiMissing& missing) {
        EXPECT_THAT(missing.what(), HasSubstr("version 130100"));
    }
}

TEST(CuptiApi, TheUsersLibraryIsTheOnlyOneTried) {
    EXPECT_EQ(cuptiPlaces("/opt/mine.so").size(), 1U);
    EXPECT_GT(cuptiPlaces({}).size(), 3U);
}

TEST(CuptiBuffers, AreLentUntilNoneIsLeftAndThenCounted) {
    CuptiBuffers buffers(2);
    std::uint8_t* one = buffers.lend();
    std::uint8_t* two = buffers.lend();
    ASSERT_NE(one, nullptr);
    ASSERT_NE(two, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(one) % 8, 0U);
    EXPECT_EQ(buffers.lend(), nullptr);
    EXPECT_EQ(buffers.takeRefused(), 1);
    EXPECT_EQ(buffers.takeRefused(), 0);
    buffers.giveBack(one, 100);
    EXPECT_EQ(buffers.lend(), nullptr); // not before it was read
    const auto full = buffers.takeFull();
    ASSERT_EQ(full.size(), 1U);
    EXPECT_EQ(full[0].bytes, 100U);
    buffers.recycle(full[0].buffer);
    EXPECT_EQ(buffers.lend(), one);
}

} // namespace
} // namespace moescope::gpu

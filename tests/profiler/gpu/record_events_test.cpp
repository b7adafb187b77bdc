#include "profiler/gpu/record_events.h"

#include "profiler/gpu/scope_code.h"
#include "tests/profiler/gpu/event_log.h"

#include <gtest/gtest.h>

namespace moescope::gpu {
namespace {

using trace::CopyDirection;
using trace::GpuCopySpan;
using trace::KernelNamed;
using trace::KernelSpan;
using trace::MemoryKind;
using trace::Stage;

struct Bench {
    EventLog log;
    RecordEvents events{log};

    void place(std::uint32_t correlation, const trace::Scope& scope) {
        events.take(ScopeRecord{ScopeRecord::Part::Place, correlation, encodePlace(scope)});
        if (scope.transfer.valid())
            events.take(ScopeRecord{ScopeRecord::Part::Transfer, correlation, encodeTransfer(scope.transfer)});
    }
    void call(std::uint32_t correlation, std::int64_t begin) { events.take(CallRecord{begin, begin + 100, correlation}); }
    void copy(std::uint32_t correlation, std::int64_t begin, std::int64_t bytes) {
        events.take(CopyRecord{begin, begin + 10, bytes, correlation, 14, CopyDirection::HostToDevice, MemoryKind::Pinned,
                               MemoryKind::Device});
    }
};

const trace::Scope kExpert{trace::TokenIndex(7), trace::expertKey(3, 5), Stage::Experts, trace::TransferId(42)};

TEST(RecordEvents, ACopyKnowsTheTransferThatAskedForIt) {
    Bench bench;
    bench.events.align({-1000, 5});
    bench.copy(9, 5000, 4096);
    bench.place(9, kExpert);
    bench.call(9, 4900);
    bench.events.endDelivery();
    const auto spans = bench.log.all<GpuCopySpan>();
    ASSERT_EQ(spans.size(), 1U);
    EXPECT_EQ(spans[0].begin, 4000);
    EXPECT_EQ(spans[0].end, 4010);
    EXPECT_EQ(spans[0].bytes, 4096);
    EXPECT_EQ(spans[0].token, kExpert.token);
    EXPECT_EQ(spans[0].key, kExpert.key);
    EXPECT_EQ(spans[0].transfer, kExpert.transfer);
    EXPECT_EQ(spans[0].stage, Stage::Experts);
    EXPECT_EQ(spans[0].direction, CopyDirection::HostToDevice);
    EXPECT_EQ(spans[0].from, MemoryKind::Pinned);
    EXPECT_EQ(spans[0].stream, 14);
    EXPECT_EQ(spans[0].correlation, 9U);
}

TEST(RecordEvents, TheScopeMayComeADeliveryLater) {
    Bench bench;
    bench.copy(9, 5000, 4096);
    bench.events.endDelivery();
    EXPECT_TRUE(bench.log.all<GpuCopySpan>().empty());
    bench.place(9, kExpert);
    bench.events.endDelivery();
    ASSERT_EQ(bench.log.all<GpuCopySpan>().size(), 1U);
    EXPECT_EQ(bench.log.all<GpuCopySpan>()[0].transfer, kExpert.transfer);
}

TEST(RecordEvents, OrDeliveriesEarlier) {
    Bench bench;
    bench.place(9, kExpert);
    for (int i = 0; i < 20; ++i)
        bench.events.endDelivery();
    bench.copy(9, 5000, 1);
    bench.copy(9, 6000, 2); // one call may give several copies
    bench.events.endDelivery();
    ASSERT_EQ(bench.log.all<GpuCopySpan>().size(), 2U);
    EXPECT_EQ(bench.log.all<GpuCopySpan>()[1].transfer, kExpert.transfer);
}

TEST(RecordEvents, WorkOfNoScopeIsToldWithoutOne) {
    Bench bench;
    bench.call(3, 100);
    bench.copy(3, 200, 64);
    bench.events.endDelivery(); // its call says that there was no scope
    bench.copy(4, 300, 128);    // and of this one not even the call is known
    for (int i = 0; i < 10; ++i)
        bench.events.endDelivery();
    const auto spans = bench.log.all<GpuCopySpan>();
    ASSERT_EQ(spans.size(), 2U);
    for (const GpuCopySpan& span : spans) {
        EXPECT_FALSE(span.token.valid());
        EXPECT_FALSE(span.transfer.valid());
    }
}

TEST(RecordEvents, NothingIsHeldBackAtTheEnd) {
    Bench bench;
    bench.copy(4, 300, 128);
    bench.events.finish();
    EXPECT_EQ(bench.log.all<GpuCopySpan>().size(), 1U);
}

TEST(RecordEvents, CallsAreForgottenButTheirNumbersMayComeAgain) {
    Bench bench;
    bench.place(9, kExpert);
    for (int i = 0; i < 300; ++i)
        bench.events.endDelivery();
    bench.copy(9, 5000, 1);
    for (int i = 0; i < 10; ++i)
        bench.events.endDelivery();
    ASSERT_EQ(bench.log.all<GpuCopySpan>().size(), 1U);
    EXPECT_FALSE(bench.log.all<GpuCopySpan>()[0].transfer.valid());
}

TEST(RecordEvents, KernelNamesAreToldOnceAndBeforeTheirFirstSpan) {
    Bench bench;
    bench.place(1, {trace::TokenIndex(1), {trace::Layer(2), {}}, Stage::Attention, {}});
    for (const std::int64_t begin : {200, 100, 300})
        bench.events.take(
            KernelRecord{begin, begin + 9, 1, 7, begin == 200 ? "_Z4plusPfi" : "_Z5timesPfi", false, 64, 256, 32});
    bench.events.endDelivery();
    const auto entries = bench.log.entries();
    ASSERT_EQ(entries.size(), 5U);
    EXPECT_EQ(entries[0].payload, "times");
    EXPECT_EQ(entries[2].payload, "plus");
    const auto spans = bench.log.all<KernelSpan>();
    ASSERT_EQ(spans.size(), 3U);
    EXPECT_EQ(spans[0].begin, 100); // in the order of their ends
    EXPECT_EQ(spans[0].kernel, trace::KernelId(0));
    EXPECT_EQ(spans[1].kernel, trace::KernelId(1));
    EXPECT_EQ(spans[2].kernel, trace::KernelId(0));
    EXPECT_EQ(spans[0].blocks, 64);
    EXPECT_EQ(spans[0].threads, 256);
    EXPECT_EQ(spans[0].registers, 32);
    EXPECT_EQ(spans[0].stage, Stage::Attention);
    EXPECT_EQ(spans[0].key.layer, trace::Layer(2));
}

TEST(RecordEvents, WorkWithoutTimesIsCountedAndNotDrawn) {
    Bench bench;
    bench.events.take(CopyRecord{0, 0, 64, 1, 7, CopyDirection::HostToDevice, MemoryKind::Pinned, MemoryKind::Device});
    bench.events.take(KernelRecord{50, 40, 1, 7, "k", false, 1, 1, 1});
    bench.events.finish();
    EXPECT_TRUE(bench.log.entries().empty());
    EXPECT_EQ(bench.events.takeUntimed(), 2);
    EXPECT_EQ(bench.events.takeUntimed(), 0);
}

TEST(RecordEvents, FiguresSayWhatTheTracerDid) {
    Bench bench;
    bench.call(3, 1000);
    bench.copy(3, 940, 64); // the device's clock runs 60 ns early, or more
    bench.events.take(OverheadRecord{10, 35});
    bench.events.take(OverheadRecord{50, 60});
    bench.events.endDelivery();
    const auto figures = bench.events.takeFigures();
    EXPECT_EQ(figures.records, 4);
    EXPECT_EQ(figures.overheadNs, 35);
    EXPECT_EQ(bench.events.takeDeviceLead(), 60);
    EXPECT_EQ(bench.events.takeFigures().records, 0);
}

TEST(ReadableKernelName, LosesParametersAndNothingElse) {
    EXPECT_EQ(readableKernelName("_Z4plusPfi"), "plus");
    EXPECT_EQ(readableKernelName("_ZN8moescope7gateTopI6__halfLi8EEEvPKT_Pf"), "moescope::gateTop<__half, 8>");
    EXPECT_EQ(readableKernelName("graph 7"), "graph 7");
    EXPECT_EQ(readableKernelName("sm90_xmma_gemm(odd"), "sm90_xmma_gemm(odd");
    EXPECT_LE(readableKernelName(std::string(5000, 'x')).size(), 240U);
}

} // namespace
} // namespace moescope::gpu

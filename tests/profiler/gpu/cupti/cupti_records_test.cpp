#include "profiler/gpu/cupti_records.h"

#include "tests/profiler/gpu/cupti/fake_cupti.h"

#include <gtest/gtest.h>
#include <random>

namespace moescope::gpu {
namespace {

template <class Activity>
std::optional<DeviceRecord> read(const Activity& activity, std::string& names) {
    return readActivity(reinterpret_cast<const CUpti_Activity&>(activity), names);
}

template <class Record, class Activity>
Record as(const Activity& activity) {
    std::string names;
    const auto record = read(activity, names);
    EXPECT_TRUE(record && std::holds_alternative<Record>(*record));
    return record ? std::get<Record>(*record) : Record{};
}

TEST(CuptiRecords, ACopyKeepsEverythingThatMatters) {
    const auto copy = as<CopyRecord>(tests::copyActivity(100, 250, 1 << 20, 77));
    EXPECT_EQ(copy.begin, 100);
    EXPECT_EQ(copy.end, 250);
    EXPECT_EQ(copy.bytes, 1 << 20);
    EXPECT_EQ(copy.correlation, 77U);
    EXPECT_EQ(copy.stream, 14U);
    EXPECT_EQ(copy.direction, trace::CopyDirection::HostToDevice);
    EXPECT_EQ(copy.from, trace::MemoryKind::Pinned);
    EXPECT_EQ(copy.to, trace::MemoryKind::Device);
}

TEST(CuptiRecords, EveryDirectionAndMemoryHasAName) {
    auto activity = tests::copyActivity(1, 2, 3, 4);
    for (int kind = 0; kind < 256; ++kind) {
        activity.copyKind = static_cast<std::uint8_t>(kind);
        activity.srcKind = static_cast<std::uint8_t>(kind);
        const auto copy = as<CopyRecord>(activity);
        EXPECT_LE(copy.direction, trace::CopyDirection::Other);
        EXPECT_LE(copy.from, trace::MemoryKind::Managed);
    }
    activity.copyKind = CUPTI_ACTIVITY_MEMCPY_KIND_DTOH;
    EXPECT_EQ(as<CopyRecord>(activity).direction, trace::CopyDirection::DeviceToHost);
    activity.copyKind = CUPTI_ACTIVITY_MEMCPY_KIND_DTOD;
    EXPECT_EQ(as<CopyRecord>(activity).direction, trace::CopyDirection::DeviceToDevice);
}

TEST(CuptiRecords, AKernelKeepsNameAndShape) {
    CUpti_ActivityKernel10 a{};
    a.kind = CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL;
    a.start = 5;
    a.end = 9;
    a.gridX = 100'000;
    a.gridY = 50'000;
    a.gridZ = 2;
    a.blockX = 32;
    a.blockY = 4;
    a.blockZ = 2;
    a.registersPerThread = 40;
    a.name = "_Z4plusPfi";
    a.correlationId = 3;
    const auto kernel = as<KernelRecord>(a);
    EXPECT_EQ(kernel.name, "_Z4plusPfi");
    EXPECT_EQ(kernel.blocks, 10'000'000'000);
    EXPECT_EQ(kernel.threads, 256);
    EXPECT_EQ(kernel.registers, 40);
    EXPECT_FALSE(kernel.graph);
    a.name = nullptr;
    EXPECT_EQ(as<KernelRecord>(a).name, "");
}

TEST(CuptiRecords, GraphsWaitsFillsAndScopes) {
    CUpti_ActivityGraphTrace2 graph{};
    graph.kind = CUPTI_ACTIVITY_KIND_GRAPH_TRACE;
    graph.graphId = 12;
    graph.end = 1;
    std::string names;
    const auto read12 = read(graph, names);
    ASSERT_TRUE(read12);
    EXPECT_EQ(std::get<KernelRecord>(*read12).name, "graph 12");
    EXPECT_TRUE(std::get<KernelRecord>(*read12).graph);

    CUpti_ActivitySynchronization2 wait{};
    wait.kind = CUPTI_ACTIVITY_KIND_SYNCHRONIZATION;
    wait.type = CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_STREAM_SYNCHRONIZE;
    EXPECT_EQ(as<WaitRecord>(wait).kind, trace::WaitKind::Stream);

    CUpti_ActivityMemset4 fill{};
    fill.kind = CUPTI_ACTIVITY_KIND_MEMSET;
    fill.bytes = 64;
    fill.memoryKind = CUPTI_ACTIVITY_MEMORY_KIND_DEVICE;
    EXPECT_EQ(as<CopyRecord>(fill).direction, trace::CopyDirection::Fill);
    EXPECT_EQ(as<CopyRecord>(fill).to, trace::MemoryKind::Device);

    const auto transfer = as<ScopeRecord>(tests::scopeActivity(CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM1, 42, 9));
    EXPECT_EQ(transfer.part, ScopeRecord::Part::Transfer);
    EXPECT_EQ(transfer.code, 42U);
    EXPECT_EQ(transfer.correlation, 9U);
}

TEST(CuptiRecords, OnlyTheTracersOwnCostIsOverhead) {
    CUpti_ActivityOverhead3 a{};
    a.kind = CUPTI_ACTIVITY_KIND_OVERHEAD;
    a.overheadKind = CUPTI_ACTIVITY_OVERHEAD_CUPTI_BUFFER_FLUSH;
    a.start = 3;
    a.end = 8;
    EXPECT_EQ(as<OverheadRecord>(a).end, 8);
    a.overheadKind = CUPTI_ACTIVITY_OVERHEAD_LAZY_FUNCTION_LOADING;
    std::string names;
    EXPECT_FALSE(read(a, names));
}

TEST(CuptiRecords, TimesThatRunBackwardsAreLost) {
    const auto copy = as<CopyRecord>(tests::copyActivity(250, 100, 64, 1));
    EXPECT_EQ(copy.begin, 0);
    EXPECT_EQ(copy.end, 0);
}

TEST(CuptiRecords, AnyBytesGiveARecordOrNone) {
    std::mt19937 random(7);
    alignas(8) std::uint8_t bytes[512];
    for (int round = 0; round < 20'000; ++round) {
        for (std::uint8_t& byte : bytes)
            byte = static_cast<std::uint8_t>(random());
        auto& activity = reinterpret_cast<CUpti_Activity&>(bytes);
        activity.kind = static_cast<CUpti_ActivityKind>(random() % 60);
        if (activity.kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL)
            reinterpret_cast<CUpti_ActivityKernel10&>(bytes).name = nullptr;
        std::string names;
        readActivity(activity, names);
    }
}

} // namespace
} // namespace moescope::gpu

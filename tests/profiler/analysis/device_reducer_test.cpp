#include "profiler/analysis/link_speed.h"
#include "profiler/analysis/snapshot_builder.h"
#include "profiler/analysis/summary_json.h"
#include "profiler/analysis/summary_text.h"

#include <gtest/gtest.h>

namespace moescope::analysis {
namespace {

using trace::CopyDirection;
using trace::expertKey;
using trace::GpuCopySpan;
using trace::MemoryKind;
using trace::Stage;
using trace::TokenIndex;
using trace::TransferId;

/// A session of 2 layers with 4 experts, event by event.
class Story {
public:
    Story() {
        auto info = std::make_shared<session::SessionInfo>();
        info->model.layers = 2;
        info->model.experts = 4;
        info->tracer = {1, "A tracer of the test.", 0, ""};
        m_builder = std::make_unique<SnapshotBuilder>(info);
    }
    void tell(const trace::Event& event, std::string_view payload = {}) {
        session::Batch batch;
        batch.append(++m_seq, event, trace::asPayload(payload));
        m_builder->add(batch);
    }
    void level(int level) { tell(trace::TracerSample{.at = 0, .level = static_cast<std::uint8_t>(level)}); }
    void transfer(int id, int expert, std::int64_t begin, std::int64_t end, std::int64_t bytes) {
        tell(trace::TransferSpan{.begin = begin,
                                 .end = end,
                                 .queuedAt = begin,
                                 .token = TokenIndex(1),
                                 .key = expertKey(0, expert),
                                 .transfer = TransferId(id),
                                 .bytes = bytes});
    }
    void copy(int id, int expert, std::int64_t begin, std::int64_t end, std::int64_t bytes) {
        tell(GpuCopySpan{.begin = begin,
                         .end = end,
                         .bytes = bytes,
                         .token = TokenIndex(1),
                         .key = expertKey(0, expert),
                         .transfer = TransferId(id),
                         .stage = Stage::Experts,
                         .direction = CopyDirection::HostToDevice,
                         .from = MemoryKind::Pinned,
                         .to = MemoryKind::Device});
    }
    SnapshotPtr snapshot() const { return m_builder->snapshot(); }
    DeviceTraffic device() const { return snapshot()->device; }

private:
    std::unique_ptr<SnapshotBuilder> m_builder;
    std::int64_t m_seq = 0;
};

TEST(DeviceReducer, ABlockwiseTransferAgreesWithItsCopiesInAnyOrder) {
    Story story;
    story.level(1);
    story.copy(5, 2, 1010, 1020, 60);
    story.transfer(5, 2, 1000, 1050, 100);
    EXPECT_EQ(story.device().transfersOpen, 1);
    EXPECT_EQ(story.device().expertsUnequal(), 1);
    story.copy(5, 2, 1025, 1040, 40);
    const DeviceTraffic device = story.device();
    EXPECT_EQ(device.transfersAgreed, 1);
    EXPECT_EQ(device.transfersOpen, 0);
    EXPECT_EQ(device.expertsUnequal(), 0);
    EXPECT_EQ(device.engineBytes, 100);
    EXPECT_EQ(device.bytesExperts, 100);
    EXPECT_EQ(device.bytesUnattributed(), 0);
    EXPECT_EQ(device.worstEarlyNs, 0);
    EXPECT_EQ(device.worstLateNs, 0);
}

TEST(DeviceReducer, BytesThatDoNotAgreeAreNamed) {
    Story story;
    story.level(1);
    story.transfer(5, 2, 1000, 1050, 100);
    story.copy(5, 2, 1010, 1020, 99);
    EXPECT_EQ(story.device().transfersOpen, 1);
    EXPECT_EQ(story.device().expertsUnequal(), 1);
    EXPECT_NE(summaryText(*story.snapshot()).find("different for 1 experts"), std::string::npos);
    EXPECT_NE(summaryJson(*story.snapshot()).find("\"device_bytes\": 99"), std::string::npos);
}

TEST(DeviceReducer, TransfersWhileNothingWasRecordedAreNotHeldAgainstIt) {
    Story story;
    story.transfer(1, 0, 0, 10, 50);
    story.level(1);
    story.transfer(2, 1, 20, 30, 50);
    story.copy(2, 1, 22, 28, 50);
    story.level(0);
    story.transfer(3, 2, 40, 50, 50);
    const DeviceTraffic device = story.device();
    EXPECT_EQ(device.engineBytes, 50);
    EXPECT_EQ(device.transfersAgreed, 1);
    EXPECT_EQ(device.transfersOpen, 0);
    EXPECT_FALSE(device.traced);
    EXPECT_EQ(device.level, 1);
}

TEST(DeviceReducer, TimesMayDifferByTheStatedErrorAndNoMore) {
    Story story;
    story.level(1);
    story.tell(trace::ClockAligned{.at = 0, .offsetNs = 0, .errorNs = 4, .deviceLeadNs = 6});
    story.transfer(1, 0, 1000, 1100, 8);
    story.copy(1, 0, 990, 1100, 8);
    EXPECT_EQ(story.device().worstEarlyNs, 10);
    EXPECT_EQ(story.device().transfersOutside, 0);
    story.transfer(2, 0, 2000, 2100, 8);
    story.copy(2, 0, 2050, 2111, 8);
    EXPECT_EQ(story.device().worstLateNs, 11);
    EXPECT_EQ(story.device().transfersOutside, 1);
}

TEST(DeviceReducer, WhatIsNoExpertsIsListedByWhatItWas) {
    Story story;
    story.level(1);
    GpuCopySpan weights;
    weights.end = 9;
    weights.bytes = 1000;
    weights.direction = CopyDirection::HostToDevice;
    weights.from = MemoryKind::Pageable;
    story.tell(weights);
    GpuCopySpan ids = weights;
    ids.bytes = 4;
    ids.token = TokenIndex(3);
    ids.stage = Stage::Embed;
    ids.from = MemoryKind::Pinned;
    story.tell(ids);
    story.tell(ids);
    GpuCopySpan logits = ids;
    logits.direction = CopyDirection::DeviceToHost;
    story.tell(logits);
    const DeviceTraffic device = story.device();
    EXPECT_EQ(device.bytesToDevice, 1008);
    EXPECT_EQ(device.bytesUnattributed(), 1008);
    EXPECT_EQ(device.bytesFromDevice, 4);
    ASSERT_EQ(device.unattributed.size(), 2U);
    EXPECT_EQ(device.unattributed.at("embedding, from pinned memory").copies, 2);
    EXPECT_EQ(device.unattributed.at("outside a pass (weights, set-up), from pageable memory").bytes, 1000);
}

TEST(DeviceReducer, LossOverheadAndNamesAreKept) {
    Story story;
    story.level(3);
    story.tell(trace::RecordsLost{.begin = 5, .end = 9, .count = 12, .cause = trace::LossCause::DeviceBuffers});
    story.tell(trace::OverheadMeasured{.at = 1,
                                       .offTokenNs = 1'000'000,
                                       .onTokenNs = 1'020'000,
                                       .pairs = 5,
                                       .tokens = 9,
                                       .lowShare = 0.01F,
                                       .highShare = 0.03F,
                                       .level = 3});
    story.tell(trace::KernelNamed{.at = 2, .kernel = trace::KernelId(1)}, "gateTop");
    story.tell(trace::KernelNamed{.at = 2, .kernel = trace::KernelId(2'000'000'000)}, "too many");
    trace::KernelSpan kernel;
    kernel.begin = 3;
    kernel.end = 7;
    kernel.kernel = trace::KernelId(1);
    story.tell(kernel);
    const SnapshotPtr s = story.snapshot();
    EXPECT_EQ(s->device.recordsLost, 12);
    ASSERT_EQ(s->gaps.size(), 1U);
    EXPECT_EQ(s->gaps[0].begin, 5);
    ASSERT_EQ(s->device.kernelNames.size(), 2U);
    EXPECT_EQ(s->device.kernelNames[1], "gateTop");
    EXPECT_EQ(s->device.kernelNs, 4);
    const std::string text = summaryText(*s);
    EXPECT_NE(text.find("+2.00 % of the time per token at level 3"), std::string::npos) << text;
    EXPECT_NE(text.find("12 lost"), std::string::npos);
    EXPECT_NE(text.find("A tracer of the test."), std::string::npos);
}

TEST(DeviceReducer, TheLinksLimitIsWhatLargeCopiesReach) {
    Story story;
    story.level(1);
    constexpr std::int64_t kMiB = std::int64_t{1} << 20;
    story.copy(0, 0, 0, 10, 4096); // 400 GB/s, but too small to count
    for (int i = 0; i < 129; ++i)  // 104.9 GB/s once, then 41.9 and 52.4 in turn
        story.copy(1, 1, 0, i == 0 ? 10'000 : i % 2 == 0 ? 20'000 : 25'000, kMiB);
    const DeviceTraffic d = story.device();
    EXPECT_NEAR(d.fastCopiesBytesPerSecond, 52.4e9, 0.25e9);
    EXPECT_EQ(pcieBytesPerSecond(9, 16), 0);
    EXPECT_NEAR(pcieBytesPerSecond(5, 16), 63.0e9, 0.05e9); // as published
    EXPECT_NEAR(pcieBytesPerSecond(3, 4), 3.94e9, 0.01e9);
    EXPECT_NEAR(pcieBytesPerSecond(1, 16), 4.0e9, 1);
    story.tell(trace::GpuSample{.at = 5, .linkGeneration = 5, .linkWidth = 16});
    EXPECT_NE(summaryText(*story.snapshot()).find("PCIe 5.0 x16 carries 63.0 at most"), std::string::npos);
}

TEST(DeviceReducer, ReadingsOfCountersAreMeansOverTheirTime) {
    Story story;
    story.level(1);
    story.tell(trace::CounterSample{0, 1'000'000, 50'000'000, 1000, 10, 10, 80, 0});
    story.tell(trace::CounterSample{1'000'000, 4'000'000, 10'000'000, 0, 0, 0, 40, 4});
    const DeviceTraffic::Counters c = story.device().counters;
    EXPECT_EQ(c.readings, 2);
    EXPECT_EQ(c.fromHostBytes, 60'000'000);
    EXPECT_EQ(c.toHostBytes, 1000);
    EXPECT_DOUBLE_EQ(c.memoryPercent, 5);
    EXPECT_DOUBLE_EQ(c.multiprocessorPercent, 50);
    EXPECT_DOUBLE_EQ(c.tensorPercent, 3);
    EXPECT_NE(summaryText(*story.snapshot()).find("2 readings of 2.00 ms"), std::string::npos);
}

TEST(DeviceReducer, ASessionWithoutATracerSaysNothingOfTheDevice) {
    const SnapshotBuilder builder(std::make_shared<const session::SessionInfo>());
    EXPECT_EQ(summaryText(*builder.snapshot()).find("\nDevice\n"), std::string::npos);
    EXPECT_NE(summaryJson(*builder.snapshot()).find("\"device\": null"), std::string::npos);
}

} // namespace
} // namespace moescope::analysis

#include "profiler/simulate/virtual_link.h"

#include "tests/profiler/simulate/made_recording.h"

#include <gtest/gtest.h>

namespace moescope::simulate {
namespace {

using expert::TransferRequest;
using trace::TransferCause;

/// Ten blocks of 100 bytes over 1 byte per nanosecond, 50 ns latency: 1050 ns for an expert.
class VirtualLinkTest : public testing::Test {
protected:
    trace::TransferId request(int expert, TransferCause cause = TransferCause::Demand) {
        return m_link.request(
            {.key = trace::expertKey(0, expert), .slot = expert, .cause = cause, .token = trace::TokenIndex(1)});
    }
    trace::TransferSpan span(std::size_t index) const { return std::get<trace::TransferSpan>(m_log.entries.at(index).event); }

    EventLog m_log;
    trace::ManualClock m_clock;
    VirtualLink m_link{{.bytes = 1000, .blocks = 10}, {.name = "test", .bytesPerSecond = 1e9, .latencyNs = 50}, m_log, m_clock};
};

TEST_F(VirtualLinkTest, ACopyTakesLatencyAndBytesOverBandwidth) {
    m_clock.set(1000);
    request(3);
    EXPECT_TRUE(m_link.poll().empty());
    m_link.waitForOne();
    EXPECT_EQ(m_clock.now(), 2050);
    const auto done = m_link.poll();
    ASSERT_EQ(done.size(), 1U);
    EXPECT_EQ(done[0].key, trace::expertKey(0, 3));
    EXPECT_EQ(span(0).begin, 1000);
    EXPECT_EQ(span(0).end, 2050);
    EXPECT_EQ(span(0).bytes, 1000);
    EXPECT_TRUE(span(0).emulated);
}

TEST_F(VirtualLinkTest, CopiesWaitInLineAndGoOnWhileTheClockRuns) {
    request(1);
    request(2);
    m_clock.advance(1600);
    EXPECT_EQ(m_link.poll().size(), 1U);
    m_link.waitForOne();
    EXPECT_EQ(m_clock.now(), 2100);
    EXPECT_EQ(span(1).begin, 1050);
    EXPECT_EQ(span(1).queuedAt, 0);
}

TEST_F(VirtualLinkTest, AGuessMakesWayAtTheEndOfItsBlock) {
    request(1, TransferCause::Prefetch);
    m_clock.advance(320); // in the third block, which ends at 350
    request(2);
    m_link.waitForOne();
    EXPECT_EQ(m_clock.now(), 350 + 1050);
    EXPECT_EQ(span(0).key, trace::expertKey(0, 2));
    EXPECT_EQ(span(0).begin, 350);
    m_link.waitForOne(); // not yet polled: returns at once
    EXPECT_EQ(m_clock.now(), 1400);
    EXPECT_EQ(m_link.poll().size(), 1U);
    m_link.waitForOne(); // seven blocks are left, after the latency of a copy that begins anew
    EXPECT_EQ(m_clock.now(), 1400 + 50 + 700);
    EXPECT_EQ(span(1).begin, 0);
    EXPECT_EQ(span(1).bytes, 1000);
}

TEST_F(VirtualLinkTest, APromotedGuessDoesNotMakeWay) {
    const auto guess = request(1, TransferCause::Prefetch);
    m_clock.advance(320);
    m_link.promote(guess);
    request(2);
    m_link.waitForOne();
    EXPECT_EQ(m_clock.now(), 1050);
}

TEST_F(VirtualLinkTest, CancellingTakesEffectAtTheBlocksEnd) {
    const auto moving = request(1);
    const auto queued = request(2, TransferCause::Prefetch);
    m_clock.advance(320);
    m_link.cancel(queued);
    auto done = m_link.poll();
    ASSERT_EQ(done.size(), 1U);
    EXPECT_EQ(done[0].outcome, trace::TransferOutcome::Cancelled);
    EXPECT_TRUE(m_log.entries.empty()) << "nothing moved, so there is no span";
    m_link.cancel(moving);
    m_link.waitForOne();
    EXPECT_EQ(m_clock.now(), 350);
    done = m_link.poll();
    ASSERT_EQ(done.size(), 1U);
    EXPECT_EQ(done[0].outcome, trace::TransferOutcome::Cancelled);
    EXPECT_EQ(span(0).bytes, 300);
}

TEST_F(VirtualLinkTest, WithdrawingLetsTheMovingOneFinish) {
    const auto moving = request(1, TransferCause::Prefetch);
    m_clock.advance(320);
    m_link.withdraw(moving);
    m_link.waitForOne();
    EXPECT_EQ(m_link.poll().at(0).outcome, trace::TransferOutcome::Completed);
    EXPECT_EQ(m_clock.now(), 1050);
}

TEST_F(VirtualLinkTest, TheMachinesCostsAreAddedUnlessCopiesAreIdeal) {
    const MoveCosts costs{.request = 7, .handOver = 20, .gap = 5, .notice = 11, .late = 30, .copy = 0};
    m_link.setConditions(costs, false);
    request(1);
    request(2);
    EXPECT_EQ(m_clock.now(), 14);
    m_link.waitForOne();
    EXPECT_EQ(m_clock.now(), 20 + 1080 + 11);
    EXPECT_EQ(m_link.poll().size(), 1U);
    m_link.waitForOne();
    EXPECT_EQ(m_clock.now(), 20 + 1080 + 5 + 1080 + 11);
    m_link.setConditions(costs, true);
    m_link.poll();
    m_clock.set(10'000);
    request(3);
    m_link.waitForOne();
    EXPECT_EQ(m_clock.now(), 11'050);
}

TEST_F(VirtualLinkTest, NoLinkIsFasterThanTheMachineCopies) {
    m_link.setConditions({.copy = 5000}, false);
    request(1);
    m_link.waitForOne();
    EXPECT_EQ(m_clock.now(), 5000);
}

TEST_F(VirtualLinkTest, WaitingForNothingReturns) {
    m_link.waitForOne();
    EXPECT_EQ(m_clock.now(), 0);
}

} // namespace
} // namespace moescope::simulate

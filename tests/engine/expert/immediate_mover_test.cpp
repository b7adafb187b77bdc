#include "engine/expert/immediate_mover.h"

#include "event_log.h"
#include "slot_memory.h"

#include <gtest/gtest.h>

namespace moescope::expert {
namespace {

TEST(ImmediateMover, HasLoadedWhenTheRequestReturns) {
    SlotMemory memory(2, 3, 10);
    EventLog log;
    const trace::ManualClock clock;
    ImmediateMover mover(memory, log.openProducer("engine"), clock);
    const auto key = trace::expertKey(1, 2);
    const auto id = mover.request({.key = key, .slot = 1, .cause = trace::TransferCause::Allocation, .token = {}});
    EXPECT_TRUE(memory.holds(1, key));
    mover.waitForOne();
    const auto done = mover.poll();
    ASSERT_EQ(done.size(), 1U);
    EXPECT_EQ(done[0].transfer, id);
    EXPECT_EQ(done[0].outcome, trace::TransferOutcome::Completed);
    EXPECT_TRUE(mover.poll().empty());
    const auto spans = log.all<trace::TransferSpan>();
    ASSERT_EQ(spans.size(), 1U);
    EXPECT_EQ(spans[0].bytes, 30);
    EXPECT_EQ(spans[0].cause, trace::TransferCause::Allocation);
    EXPECT_FALSE(spans[0].emulated);
}

} // namespace
} // namespace moescope::expert

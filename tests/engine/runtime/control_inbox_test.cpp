#include "engine/runtime/control_inbox.h"

#include <atomic>
#include <gtest/gtest.h>
#include <stdexcept>
#include <thread>

namespace moescope::runtime {
namespace {

const auto kAccept = [](const Settings&) {};

TEST(ControlInboxTest, HandsOutPostedSettingsInOrder) {
    ControlInbox inbox({});
    inbox.post("cache-experts", "16", kAccept);
    inbox.post("cache", "lfu", kAccept);
    EXPECT_EQ(inbox.target().cacheExperts, 16);
    const auto steps = inbox.take();
    ASSERT_EQ(steps.size(), 2U);
    EXPECT_EQ(steps[0].cache, "lru");
    EXPECT_EQ(steps[1].cache, "lfu");
    EXPECT_EQ(steps[1].cacheExperts, 16);
    EXPECT_TRUE(inbox.take().empty());
}

TEST(ControlInboxTest, ARefusedPostChangesNothing) {
    ControlInbox inbox({});
    EXPECT_THROW(inbox.post("cache", "fifo", kAccept), std::invalid_argument);
    EXPECT_THROW(inbox.post("cache", "lfu", [](const Settings&) { throw std::invalid_argument("no"); }), std::invalid_argument);
    EXPECT_EQ(inbox.target(), Settings{});
    EXPECT_TRUE(inbox.take().empty());
}

TEST(ControlInboxTest, PauseHoldsUntilResumedOrStopped) {
    for (const bool stop : {false, true}) {
        ControlInbox inbox({});
        inbox.setPaused(true);
        std::atomic<bool> through = false;
        std::thread waiter([&] {
            inbox.waitWhilePaused();
            through = true;
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        EXPECT_FALSE(through);
        if (stop)
            inbox.stop();
        else
            inbox.setPaused(false);
        waiter.join();
        EXPECT_TRUE(through);
    }
}

} // namespace
} // namespace moescope::runtime

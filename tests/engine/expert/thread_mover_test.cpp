#include "engine/expert/thread_mover.h"

#include "event_log.h"
#include "slot_memory.h"

#include <gmock/gmock.h>
#include <random>

namespace moescope::expert {
namespace {

using trace::expertKey;
using trace::TransferCause;
using trace::TransferId;
using trace::TransferOutcome;
using trace::TransferSpan;

constexpr int kBlocks = 4;
constexpr int kBlockBytes = 1000;

struct Bench {
    explicit Bench(Link link = {}, int slots = 8) : memory(slots, kBlocks, kBlockBytes), mover(memory, link, log, clock) {}

    TransferId ask(int expert, int slot, TransferCause cause) {
        return mover.request({.key = expertKey(0, expert), .slot = slot, .cause = cause, .token = trace::TokenIndex(7)});
    }

    /// Waits for `count` transfers.
    std::vector<TransferDone> collect(std::size_t count) {
        std::vector<TransferDone> done;
        while (done.size() < count) {
            mover.waitForOne();
            for (const TransferDone& one : mover.poll())
                done.push_back(one);
        }
        return done;
    }

    trace::SteadyClock clock;
    EventLog log;
    SlotMemory memory;
    ThreadMover mover;
};

Link slowLink(double bytesPerSecond, std::int64_t latencyNs = 0) {
    return {"slow", bytesPerSecond, latencyNs};
}

TEST(ThreadMover, BringsTheBytesAndSaysSo) {
    Bench bench;
    const TransferId id = bench.ask(3, 5, TransferCause::Demand);
    const auto done = bench.collect(1);
    EXPECT_EQ(done[0].transfer, id);
    EXPECT_EQ(done[0].outcome, TransferOutcome::Completed);
    EXPECT_TRUE(bench.memory.holds(5, expertKey(0, 3)));
    const auto spans = bench.log.all<TransferSpan>();
    ASSERT_EQ(spans.size(), 1U);
    EXPECT_EQ(spans[0].transfer, id);
    EXPECT_EQ(spans[0].bytes, kBlocks * kBlockBytes);
    EXPECT_EQ(spans[0].token, trace::TokenIndex(7));
    EXPECT_EQ(spans[0].cause, TransferCause::Demand);
    EXPECT_FALSE(spans[0].emulated);
    EXPECT_LE(spans[0].queuedAt, spans[0].begin);
    EXPECT_LE(spans[0].begin, spans[0].end);
}

TEST(ThreadMover, WaitingForNothingReturnsAtOnce) {
    Bench bench;
    bench.mover.waitForOne();
    EXPECT_TRUE(bench.mover.poll().empty());
    bench.ask(0, 0, TransferCause::Demand);
    bench.collect(1);
    bench.mover.waitForOne();
}

TEST(ThreadMover, AnEmulatedLinkIsALowerBoundAndCarriesOneAtATime) {
    Bench bench(slowLink(4e6, 200'000)); // one expert: 1 ms and 0.2 ms latency
    for (int expert = 0; expert < 3; ++expert)
        bench.ask(expert, expert, TransferCause::Demand);
    bench.collect(3);
    const auto spans = bench.log.all<TransferSpan>();
    ASSERT_EQ(spans.size(), 3U);
    for (std::size_t i = 0; i < spans.size(); ++i) {
        EXPECT_TRUE(spans[i].emulated);
        EXPECT_GE(spans[i].end - spans[i].begin, 1'200'000);
        if (i > 0) {
            EXPECT_GE(spans[i].begin, spans[i - 1].end);
        }
    }
}

TEST(ThreadMover, DemandOvertakesAPrefetchAtABlockBoundary) {
    Bench bench;
    bench.memory.permitted = 0;
    const TransferId guess = bench.ask(0, 0, TransferCause::Prefetch);
    bench.memory.permitAndAwait(1);
    const TransferId demand = bench.ask(1, 1, TransferCause::Demand);
    bench.memory.permitAll();
    const auto done = bench.collect(2);
    EXPECT_EQ(done[0].transfer, demand);
    EXPECT_EQ(done[1].transfer, guess);
    EXPECT_TRUE(bench.memory.holds(0, expertKey(0, 0)));
    const auto spans = bench.log.all<TransferSpan>();
    ASSERT_EQ(spans.size(), 2U);
    const TransferSpan& paused = spans[1];
    EXPECT_EQ(paused.bytes, kBlocks * kBlockBytes);
    EXPECT_LT(paused.begin, spans[0].begin) << "from its first byte";
    EXPECT_GE(paused.end, spans[0].end) << "to its last";
}

TEST(ThreadMover, APromotedPrefetchIsNotOvertaken) {
    Bench bench;
    bench.memory.permitted = 0;
    const TransferId guess = bench.ask(0, 0, TransferCause::Prefetch);
    bench.memory.permitAndAwait(1);
    bench.mover.promote(guess);
    const TransferId demand = bench.ask(1, 1, TransferCause::Demand);
    bench.memory.permitAll();
    const auto done = bench.collect(2);
    EXPECT_EQ(done[0].transfer, guess);
    EXPECT_EQ(done[1].transfer, demand);
    EXPECT_EQ(bench.log.all<TransferSpan>()[0].cause, TransferCause::Prefetch);
}

TEST(ThreadMover, AQueuedTransferIsCancelledAtOnceAndLeavesNoSpan) {
    Bench bench;
    bench.memory.permitted = 0;
    bench.ask(0, 0, TransferCause::Demand);
    const TransferId guess = bench.ask(1, 1, TransferCause::Prefetch);
    bench.mover.cancel(guess);
    const auto early = bench.mover.poll();
    ASSERT_EQ(early.size(), 1U);
    EXPECT_EQ(early[0].transfer, guess);
    EXPECT_EQ(early[0].outcome, TransferOutcome::Cancelled);
    bench.memory.permitAll();
    bench.collect(1);
    EXPECT_EQ(bench.log.all<TransferSpan>().size(), 1U);
}

TEST(ThreadMover, AMovingTransferIsCancelledAtTheNextBlock) {
    Bench bench;
    bench.memory.permitted = 0;
    const TransferId guess = bench.ask(0, 0, TransferCause::Prefetch);
    bench.memory.permitAndAwait(1);
    bench.mover.cancel(guess);
    bench.memory.permitAll();
    const auto done = bench.collect(1);
    EXPECT_EQ(done[0].outcome, TransferOutcome::Cancelled);
    const auto spans = bench.log.all<TransferSpan>();
    ASSERT_EQ(spans.size(), 1U);
    EXPECT_EQ(spans[0].outcome, TransferOutcome::Cancelled);
    EXPECT_LE(spans[0].bytes, 2 * kBlockBytes);
    EXPECT_EQ(spans[0].bytes, bench.memory.loads.load() * kBlockBytes);
}

TEST(ThreadMover, APausedTransferThatIsCancelledReportsWhatMoved) {
    Bench bench;
    bench.memory.permitted = 0;
    const TransferId guess = bench.ask(0, 0, TransferCause::Prefetch);
    bench.memory.permitAndAwait(1);
    bench.ask(1, 1, TransferCause::Demand);
    bench.memory.permitAndAwait(3); // demand has begun: the guess waits
    bench.mover.withdraw(guess);
    bench.memory.permitAll();
    const auto done = bench.collect(2);
    std::int64_t bytes = 0;
    for (const TransferSpan& span : bench.log.all<TransferSpan>())
        bytes += span.bytes;
    EXPECT_EQ(bytes, bench.memory.loads.load() * kBlockBytes);
    EXPECT_EQ(done[1].transfer, guess);
    EXPECT_EQ(done[1].outcome, TransferOutcome::Cancelled);
}

TEST(ThreadMover, WithdrawingLetsAMovingTransferFinish) {
    Bench bench;
    bench.memory.permitted = 0;
    const TransferId guess = bench.ask(0, 0, TransferCause::Prefetch);
    bench.memory.permitAndAwait(1);
    bench.mover.withdraw(guess);
    bench.memory.permitAll();
    EXPECT_EQ(bench.collect(1)[0].outcome, TransferOutcome::Completed);
}

TEST(ThreadMover, AnotherLinkHoldsFromTheNextBlock) {
    Bench bench(slowLink(5e4)); // 20 ms a block
    bench.ask(0, 0, TransferCause::Demand);
    while (bench.memory.loads.load() == 0)
        std::this_thread::yield();
    bench.mover.setLink({});
    bench.collect(1);
    const auto spans = bench.log.all<TransferSpan>();
    EXPECT_TRUE(spans[0].emulated) << "its first block was";
    bench.ask(1, 1, TransferCause::Demand);
    bench.collect(1);
    EXPECT_FALSE(bench.log.all<TransferSpan>()[1].emulated);
}

TEST(ThreadMover, ALoaderFailureComesOutOfTheWait) {
    Bench bench;
    bench.memory.failAt = 6;
    bench.ask(0, 0, TransferCause::Demand);
    bench.ask(1, 1, TransferCause::Demand);
    EXPECT_THROW(
        {
            for (int i = 0; i < 3; ++i) {
                bench.mover.waitForOne();
                bench.mover.poll();
            }
        },
        std::runtime_error);
}

TEST(ThreadMover, GoesAwayWhileASlowTransferIsUnderWay) {
    EventLog log;
    const trace::SteadyClock clock;
    SlotMemory memory(2, kBlocks, kBlockBytes);
    {
        ThreadMover mover(memory, slowLink(10), log, clock); // 100 s a block
        mover.request({.key = expertKey(0, 0), .slot = 0, .cause = TransferCause::Demand, .token = {}});
        mover.request({.key = expertKey(0, 1), .slot = 1, .cause = TransferCause::Prefetch, .token = {}});
        while (memory.loads.load() == 0)
            std::this_thread::yield();
    }
    const auto spans = log.all<TransferSpan>();
    ASSERT_EQ(spans.size(), 1U);
    EXPECT_EQ(spans[0].outcome, TransferOutcome::Cancelled);
    EXPECT_EQ(spans[0].bytes, kBlockBytes);
}

TEST(ThreadMover, EveryRequestOfARandomLoadEndsOnceAndBytesAddUp) {
    Bench bench({}, 16);
    std::mt19937 random(4);
    constexpr int kTransfers = 2000;
    std::vector<int> ends(kTransfers);
    std::vector<int> freeSlots;
    std::vector<int> slotOf(kTransfers, -1);
    for (int slot = 0; slot < 16; ++slot)
        freeSlots.push_back(slot);
    int ended = 0;
    int next = 0;
    const auto take = [&] {
        for (const TransferDone& done : bench.mover.poll()) {
            const auto id = static_cast<std::size_t>(done.transfer.value);
            ++ends[id];
            ++ended;
            if (done.outcome == TransferOutcome::Completed) {
                EXPECT_TRUE(bench.memory.holds(slotOf[id], done.key));
            }
            freeSlots.push_back(slotOf[id]);
        }
    };
    while (ended < kTransfers) {
        if (next < kTransfers && !freeSlots.empty()) {
            const int slot = freeSlots.back();
            freeSlots.pop_back();
            const TransferId id = bench.ask(next % 23, slot, static_cast<TransferCause>(random() % 3));
            ASSERT_EQ(id.value, next);
            slotOf[static_cast<std::size_t>(next++)] = slot;
        } else {
            bench.mover.waitForOne();
        }
        const auto any = TransferId(static_cast<std::int32_t>(random() % static_cast<unsigned>(next)));
        if (random() % 4 == 0)
            bench.mover.cancel(any);
        else if (random() % 4 == 0)
            bench.mover.promote(any);
        else if (random() % 8 == 0)
            bench.mover.withdraw(any);
        take();
    }
    EXPECT_THAT(ends, testing::Each(1));
    std::int64_t bytes = 0;
    for (const TransferSpan& span : bench.log.all<TransferSpan>())
        bytes += span.bytes;
    EXPECT_EQ(bytes, std::int64_t{bench.memory.loads.load()} * kBlockBytes);
}

} // namespace
} // namespace moescope::expert

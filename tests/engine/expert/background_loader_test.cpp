// The mover with a loader that copies in the background, as a GPU does.
#include "engine/expert/expert_supply.h"
#include "engine/expert/thread_mover.h"

#include "event_log.h"
#include "slot_memory.h"

#include <deque>
#include <gtest/gtest.h>

namespace moescope::expert {
namespace {

using trace::expertKey;
using trace::TransferCause;
using trace::TransferOutcome;
using trace::TransferSpan;

constexpr int kBlocks = 8;
constexpr int kBlockBytes = 100;
constexpr int kAtOnce = 3;
constexpr std::int64_t kBlockNs = 2000;

/// Begun blocks are copied when they are waited for, in order.
class BackgroundLoader final : public ExpertLoader {
public:
    std::int64_t expertBytes(trace::ExpertKey) const override { return std::int64_t{kBlocks} * kBlockBytes; }
    int blocks(trace::ExpertKey) const override { return kBlocks; }
    std::int64_t loadBlock(trace::ExpertKey, int, int) override { throw std::logic_error("loads in the background"); }
    int blocksOfFirstPart(trace::ExpertKey) const override { return firstBlocks; }
    int blocksAtOnce() const override { return kAtOnce; }
    void beginBlock(trace::ExpertKey key, int slot, int block, bool urgent, trace::TimeNs now) override {
        m_begun.push_back({key, slot, block, now});
        lastHandedAt = now;
        most = std::max(most, static_cast<int>(m_begun.size()));
        urgentBlocks += urgent ? 1 : 0;
    }
    BlockMoved endBlock(const trace::Clock&) override {
        const Begun next = m_begun.front();
        memory.loadBlock(next.key, next.slot, next.block);
        m_begun.pop_front();
        return {kBlockBytes, next.handedAt, next.handedAt + kBlockNs};
    }
    bool idle() const { return m_begun.empty(); }

    SlotMemory memory{8, kBlocks, kBlockBytes};
    int firstBlocks = kBlocks;
    int most = 0;
    int urgentBlocks = 0;
    trace::TimeNs lastHandedAt = 0;

private:
    struct Begun {
        trace::ExpertKey key;
        int slot;
        int block;
        trace::TimeNs handedAt;
    };
    std::deque<Begun> m_begun;
};

struct Bench {
    void ask(int expert, TransferCause cause) {
        last = mover->request({.key = expertKey(0, expert), .slot = expert, .cause = cause, .token = trace::TokenIndex(1)});
    }
    std::vector<TransferDone> collect(std::size_t count) {
        std::vector<TransferDone> done;
        while (done.size() < count) {
            mover->waitForOne();
            for (const TransferDone& one : mover->poll())
                done.push_back(one);
        }
        return done;
    }
    trace::SteadyClock clock;
    EventLog log;
    BackgroundLoader loader;
    trace::TransferId last;
    std::unique_ptr<ThreadMover> mover = std::make_unique<ThreadMover>(loader, Link{}, log, clock);
};

TEST(BackgroundLoader, IsKeptAFewBlocksAhead) {
    Bench bench;
    bench.ask(3, TransferCause::Demand);
    EXPECT_EQ(bench.collect(1)[0].outcome, TransferOutcome::Completed);
    EXPECT_TRUE(bench.loader.memory.holds(3, expertKey(0, 3)));
    EXPECT_EQ(bench.loader.most, kAtOnce);
    EXPECT_EQ(bench.loader.urgentBlocks, kBlocks);
    const auto spans = bench.log.all<TransferSpan>();
    ASSERT_EQ(spans.size(), 1U);
    EXPECT_EQ(spans[0].bytes, kBlocks * kBlockBytes);
    EXPECT_FALSE(spans[0].emulated);
    EXPECT_GE(spans[0].end - spans[0].begin, kBlockNs);
    EXPECT_GE(spans[0].begin, spans[0].queuedAt);
}

TEST(BackgroundLoader, TimesAreThoseOfTheLoaderHoweverLateTheMoverWakes) {
    Bench bench;
    bench.loader.memory.permitted = 0;
    bench.ask(0, TransferCause::Demand);
    bench.loader.memory.permitAndAwait(1);
    const trace::TimeNs waiting = bench.clock.now();
    bench.loader.memory.permitAll();
    bench.collect(1);
    // The first block was handed over before the loader was held up, and the last one took kBlockNs.
    const auto span = bench.log.all<TransferSpan>().at(0);
    EXPECT_LE(span.begin, waiting);
    EXPECT_EQ(span.end, bench.loader.lastHandedAt + kBlockNs);
}

TEST(BackgroundLoader, AnUrgentTransferTellsOfItsFirstPart) {
    Bench bench;
    bench.loader.firstBlocks = 5;
    bench.ask(0, TransferCause::Prefetch);
    EXPECT_FALSE(bench.collect(1)[0].firstPart) << "nobody waits for a guess";
    bench.loader.memory.permitted = kBlocks + 5;
    bench.ask(3, TransferCause::Demand);
    const auto first = bench.collect(1);
    EXPECT_TRUE(first[0].firstPart);
    EXPECT_EQ(first[0].key, expertKey(0, 3));
    EXPECT_EQ(first[0].bytes, 5 * kBlockBytes);
    bench.loader.memory.permitAll();
    const auto whole = bench.collect(1);
    EXPECT_FALSE(whole[0].firstPart);
    EXPECT_EQ(whole[0].transfer, first[0].transfer);
    EXPECT_EQ(whole[0].bytes, kBlocks * kBlockBytes);
    bench.mover->waitForOne(); // nothing is under way: it returns
    EXPECT_EQ(bench.log.all<TransferSpan>().size(), 2U);
}

TEST(BackgroundLoader, TheSupplyHandsTheFirstPartOutAndThenTheRest) {
    Bench bench;
    bench.loader.firstBlocks = 5;
    ExpertCache cache({1, 8}, policy::makeCachePolicy("lru"),
                      policy::makeAllocationPolicy("global")->plan({.layers = 1, .experts = 8, .slots = 8}));
    ExpertSupply supply(cache, *bench.mover, bench.log.openProducer("engine"), bench.clock);
    supply.beginStep(trace::TokenIndex(0));
    bench.loader.memory.permitted = 5;
    const std::vector<ExpertSupply::Want> wants{{6, 0.5F}};
    supply.ask(0, wants);
    const auto first = supply.next();
    EXPECT_EQ(first->part, ExpertPart::First);
    EXPECT_EQ(first->expert, 6);
    EXPECT_FALSE(cache.resident(expertKey(0, 6)));
    bench.loader.memory.permitAll();
    const auto rest = supply.next();
    EXPECT_EQ(rest->part, ExpertPart::Rest);
    EXPECT_EQ(rest->slot, first->slot);
    EXPECT_TRUE(bench.loader.memory.holds(rest->slot, expertKey(0, 6)));
    EXPECT_TRUE(cache.resident(expertKey(0, 6)));
    supply.done(6);
    EXPECT_FALSE(supply.next());
    EXPECT_LE(bench.log.all<trace::StallSpan>().size(), 2U);
}

TEST(BackgroundLoader, GivesWayToDemandOnceTheBegunBlocksHaveEnded) {
    Bench bench;
    bench.loader.memory.permitted = 0;
    bench.ask(0, TransferCause::Prefetch);
    bench.loader.memory.permitAndAwait(1);
    bench.ask(1, TransferCause::Demand);
    const trace::TransferId demand = bench.last;
    bench.loader.memory.permitAll();
    const auto done = bench.collect(2);
    EXPECT_EQ(done[0].transfer, demand);
    EXPECT_TRUE(bench.loader.memory.holds(0, expertKey(0, 0)));
    EXPECT_TRUE(bench.loader.memory.holds(1, expertKey(0, 1)));
    for (const TransferSpan& span : bench.log.all<TransferSpan>())
        EXPECT_EQ(span.bytes, kBlocks * kBlockBytes);
}

TEST(BackgroundLoader, ACancelledGuessCountsTheBlocksThatWereUnderWay) {
    Bench bench;
    bench.loader.memory.permitted = 0;
    bench.ask(0, TransferCause::Prefetch);
    bench.loader.memory.permitAndAwait(1);
    bench.mover->cancel(bench.last);
    bench.loader.memory.permitAll();
    EXPECT_EQ(bench.collect(1)[0].outcome, TransferOutcome::Cancelled);
    const auto spans = bench.log.all<TransferSpan>();
    ASSERT_EQ(spans.size(), 1U);
    EXPECT_EQ(spans[0].bytes, bench.loader.memory.loads.load() * kBlockBytes);
    EXPECT_LE(spans[0].bytes, (1 + kAtOnce + 1) * kBlockBytes);
    bench.mover.reset();
    EXPECT_TRUE(bench.loader.idle());
}

TEST(BackgroundLoader, AnEmulatedLinkCarriesOneBlockAtATime) {
    Bench bench;
    bench.mover->setLink({"slow", 1e6, 0});
    bench.ask(2, TransferCause::Demand);
    bench.collect(1);
    EXPECT_EQ(bench.loader.most, 1);
    const auto spans = bench.log.all<TransferSpan>();
    EXPECT_TRUE(spans[0].emulated);
    EXPECT_GE(spans[0].end - spans[0].begin, (kBlocks - 1) * kBlockBytes * 1000);
}

TEST(BackgroundLoader, AFailureComesOutOfTheWait) {
    Bench bench;
    bench.loader.memory.failAt = 5;
    bench.ask(0, TransferCause::Demand);
    EXPECT_THROW(
        {
            for (int i = 0; i < 1000; ++i)
                bench.mover->waitForOne();
        },
        std::runtime_error);
}

} // namespace
} // namespace moescope::expert

// The supply under random questions, guesses and setting changes: whatever the timing, the caller gets exactly the experts it
// asked for, in slots that hold them until they are released, and the events add up.
#include "engine/expert/expert_supply.h"
#include "engine/expert/thread_mover.h"

#include "event_log.h"
#include "slot_memory.h"
#include "virtual_mover.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <set>

namespace moescope::expert {
namespace {

using trace::ExpertKey;
using trace::expertKey;

constexpr ExpertCache::Shape kShape{5, 6};

class RandomDecoder {
public:
    RandomDecoder(ExpertMover& mover, trace::Tracer& tracer, const trace::Clock& clock, unsigned seed)
        : m_random(seed), m_cache(kShape, policy::makeCachePolicy(pick(2) ? "lru" : "lfu"), randomPlan()),
          m_supply(m_cache, mover, tracer, clock) {}

    /// check(slot, key) says whether the slot holds the expert; ahead() lets time pass while an expert runs.
    template <class Check, class Ahead>
    void run(int steps, Check check, Ahead ahead) {
        for (int step = 0; step < steps; ++step) {
            if (pick(20) == 0)
                m_supply.beginSequence();
            if (pick(6) == 0)
                change();
            m_supply.beginStep(trace::TokenIndex(step));
            for (int layer = 0; layer < kShape.layers; ++layer)
                this->layer(layer, check, ahead);
        }
        m_supply.settle();
    }

    std::int64_t asked = 0;
    const ExpertCache& cache() const { return m_cache; }

private:
    int pick(int count) { return static_cast<int>(m_random() % static_cast<unsigned>(count)); }

    policy::SlotPlan randomPlan() {
        return policy::makeAllocationPolicy(pick(2) ? "uniform" : "global")
            ->plan({.layers = kShape.layers, .experts = kShape.experts, .slots = 1 + pick(kShape.layers * kShape.experts)});
    }

    void change() {
        switch (pick(4)) {
        case 0:
            m_supply.setPlan(randomPlan());
            break;
        case 1:
            m_supply.setCachePolicy(policy::makeCachePolicy(pick(2) ? "lru" : "lfu"));
            break;
        case 2:
            m_supply.fill();
            break;
        default:
            m_supply.settle();
        }
    }

    template <class Check, class Ahead>
    void layer(int layer, Check check, Ahead ahead) {
        std::vector<int> experts(static_cast<std::size_t>(kShape.experts));
        std::iota(experts.begin(), experts.end(), 0);
        std::shuffle(experts.begin(), experts.end(), m_random);
        experts.resize(static_cast<std::size_t>(pick(8) == 0 ? kShape.experts : 1 + pick(3)));
        std::vector<ExpertSupply::Want> wants;
        for (const int expert : experts)
            wants.push_back({expert, 0.5F});
        asked += static_cast<std::int64_t>(wants.size());
        m_supply.ask(layer, wants);
        for (int i = pick(3); i > 0; --i) {
            const policy::PrefetchWish wish{expertKey((layer + 1 + pick(2)) % kShape.layers, pick(kShape.experts)), 1, 0.5F};
            m_supply.prefetch({.wishes = {wish}, .foreseen = {}});
        }
        if (pick(50) == 0)
            return; // the user stopped in the middle
        std::set<int> open(experts.begin(), experts.end());
        while (const auto ready = m_supply.next()) {
            ASSERT_EQ(open.erase(ready->expert), 1U);
            ASSERT_LT(ready->slot, m_cache.slotCount());
            ahead();
            ASSERT_TRUE(check(ready->slot, expertKey(layer, ready->expert)));
            m_supply.done(ready->expert);
        }
        ASSERT_TRUE(open.empty());
    }

    std::mt19937 m_random;
    ExpertCache m_cache;
    ExpertSupply m_supply;
};

/// Follows the events alone, as a reader of the session does, and must come out at the cache's own state.
void expectEventsAddUp(const EventLog& log, const RandomDecoder& decoder, const std::set<ExpertKey>& arrived) {
    EXPECT_EQ(static_cast<std::int64_t>(log.all<trace::ExpertHit>().size() + log.all<trace::ExpertMissed>().size()),
              decoder.asked);
    std::set<trace::TransferId> issued;
    for (const auto& event : log.all<trace::PrefetchIssued>())
        EXPECT_TRUE(issued.insert(event.transfer).second);
    std::set<trace::TransferId> resolved;
    for (const auto& event : log.all<trace::PrefetchResolved>()) {
        EXPECT_TRUE(issued.contains(event.transfer));
        EXPECT_TRUE(resolved.insert(event.transfer).second) << "resolved twice";
    }
    for (int layer = 0; layer < kShape.layers; ++layer)
        for (int expert = 0; expert < kShape.experts; ++expert) {
            const ExpertKey key = expertKey(layer, expert);
            EXPECT_NE(decoder.cache().state(key), ResidencyState::Loading);
            EXPECT_TRUE(!decoder.cache().resident(key) || arrived.contains(key));
        }
}

class SupplyUnderRandomUse : public testing::TestWithParam<unsigned> {};

TEST_P(SupplyUnderRandomUse, OnAVirtualLink) {
    trace::ManualClock clock;
    EventLog log;
    VirtualMover mover(clock, 100);
    RandomDecoder decoder(mover, log.openProducer("engine"), clock, GetParam());
    std::mt19937 random(GetParam() + 1000);
    decoder.run(
        150, [&](int slot, ExpertKey key) { return mover.holds.contains(slot) && mover.holds.at(slot) == key; },
        [&] { clock.advance(static_cast<trace::TimeNs>(random() % 150)); });
    if (HasFatalFailure())
        return;
    std::set<ExpertKey> arrived;
    for (const TransferRequest& request : mover.requests)
        arrived.insert(request.key);
    expectEventsAddUp(log, decoder, arrived);
}

TEST_P(SupplyUnderRandomUse, OnAThread) {
    const trace::SteadyClock clock;
    EventLog log;
    auto& engine = log.openProducer("engine");
    SlotMemory memory(kShape.layers * kShape.experts, 3, 200);
    const Link link = GetParam() % 2 ? Link{} : Link{"slow", 100e6, 2000};
    ThreadMover mover(memory, link, log, clock);
    RandomDecoder decoder(mover, engine, clock, GetParam());
    decoder.run(
        40, [&](int slot, ExpertKey key) { return memory.holds(slot, key); }, [] {});
    if (HasFatalFailure())
        return;
    std::set<ExpertKey> arrived;
    std::int64_t bytes = 0;
    for (const auto& span : log.all<trace::TransferSpan>()) {
        bytes += span.bytes;
        if (span.outcome == trace::TransferOutcome::Completed)
            arrived.insert(span.key);
    }
    EXPECT_EQ(bytes, std::int64_t{memory.loads.load()} * 200);
    expectEventsAddUp(log, decoder, arrived);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SupplyUnderRandomUse, testing::Range(0U, 20U));

/// A demand-only run must not depend on timing: promise 2 rests on it.
TEST(ExpertSupply, WithoutGuessesTimingChangesNoHitMissOrEviction) {
    const auto outcome = [](trace::TimeNs perTransfer, trace::TimeNs perExpert) {
        trace::ManualClock clock;
        EventLog log;
        VirtualMover mover(clock, perTransfer);
        ExpertCache cache(kShape, policy::makeCachePolicy("lru"), {7, {}});
        ExpertSupply supply(cache, mover, log.openProducer("engine"), clock);
        std::mt19937 random(77);
        for (int step = 0; step < 200; ++step) {
            supply.beginStep(trace::TokenIndex(step));
            for (int layer = 0; layer < kShape.layers; ++layer) {
                const int first = static_cast<int>(random() % 6);
                const std::vector<ExpertSupply::Want> wants{{first, .6F},
                                                            {(first + 1 + static_cast<int>(random() % 5)) % 6, .4F}};
                supply.ask(layer, wants);
                while (const auto ready = supply.next()) {
                    clock.advance(perExpert);
                    supply.done(ready->expert);
                }
            }
        }
        std::vector<std::pair<std::size_t, ExpertKey>> sequence;
        for (const trace::Event& event : log.events()) {
            if (const auto* hit = std::get_if<trace::ExpertHit>(&event))
                sequence.emplace_back(event.index(), hit->key);
            if (const auto* miss = std::get_if<trace::ExpertMissed>(&event))
                sequence.emplace_back(event.index(), miss->key);
            if (const auto* evicted = std::get_if<trace::ExpertEvicted>(&event))
                sequence.emplace_back(event.index(), evicted->key);
        }
        return sequence;
    };
    const auto slow = outcome(1000, 1);
    EXPECT_EQ(outcome(1, 1000), slow);
    EXPECT_EQ(outcome(100, 100), slow);
    EXPECT_GT(slow.size(), 2000U);
}

} // namespace
} // namespace moescope::expert

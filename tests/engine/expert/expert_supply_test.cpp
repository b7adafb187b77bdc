#include "engine/expert/expert_supply.h"

#include "event_log.h"
#include "virtual_mover.h"

#include <gmock/gmock.h>

namespace moescope::expert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using trace::ExpertKey;
using trace::expertKey;

constexpr trace::TimeNs kCopy = 1000;

struct Bench {
    Bench(std::string_view allocation, int slots, ExpertCache::Shape shape = {4, 8}, std::string_view policy = "lru")
        : cache(shape, policy::makeCachePolicy(policy),
                policy::makeAllocationPolicy(allocation)
                    ->plan({.layers = shape.layers, .experts = shape.experts, .slots = slots})),
          mover(clock, kCopy), supply(cache, mover, log.openProducer("engine"), clock) {
        supply.beginStep(trace::TokenIndex(0));
        log.clear();
    }

    void step(int token) { supply.beginStep(trace::TokenIndex(token)); }

    void ask(int layer, const std::vector<int>& experts) {
        std::vector<ExpertSupply::Want> wants;
        for (const int expert : experts)
            wants.push_back({expert, 0.5F});
        supply.ask(layer, wants);
    }

    /// Hands out and releases everything; the experts in the order they came.
    std::vector<int> run(int layer) {
        std::vector<int> order;
        while (const auto ready = supply.next()) {
            EXPECT_EQ(mover.holds.at(ready->slot), expertKey(layer, ready->expert));
            order.push_back(ready->expert);
            supply.done(ready->expert);
        }
        return order;
    }
    std::vector<int> use(int layer, const std::vector<int>& experts) {
        ask(layer, experts);
        return run(layer);
    }
    void guess(int layer, int expert, int depth = 1) {
        const policy::PrefetchWish wish{expertKey(layer, expert), depth, 0.4F};
        supply.prefetch({.wishes = {wish}, .foreseen = {}});
    }

    template <class Kind>
    std::vector<ExpertKey> keys() const {
        std::vector<ExpertKey> found;
        for (const Kind& event : log.all<Kind>())
            found.push_back(event.key);
        return found;
    }
    std::vector<bool> resolutions() const {
        std::vector<bool> used;
        for (const auto& event : log.all<trace::PrefetchResolved>())
            used.push_back(event.used);
        return used;
    }

    trace::ManualClock clock;
    EventLog log;
    ExpertCache cache;
    VirtualMover mover;
    ExpertSupply supply;
};

TEST(ExpertSupply, MissesAreFetchedOnceAndHitAfterwards) {
    Bench bench("uniform", 16);
    EXPECT_THAT(bench.use(0, {5, 2}), ElementsAre(5, 2));
    EXPECT_THAT(bench.keys<trace::ExpertMissed>(), ElementsAre(expertKey(0, 5), expertKey(0, 2)));
    EXPECT_THAT(bench.use(0, {2, 5}), ElementsAre(2, 5));
    EXPECT_THAT(bench.keys<trace::ExpertHit>(), ElementsAre(expertKey(0, 2), expertKey(0, 5)));
    EXPECT_EQ(bench.mover.requests.size(), 2U);
}

TEST(ExpertSupply, HitsComeFirstAndStallsCoverOnlyTheWait) {
    Bench bench("uniform", 16);
    bench.use(0, {1, 2});
    bench.log.clear();
    bench.step(1);
    bench.ask(0, {3, 1, 4});
    const auto first = bench.supply.next();
    EXPECT_EQ(first->expert, 1);
    EXPECT_THAT(bench.log.all<trace::StallSpan>(), IsEmpty());
    bench.clock.advance(700); // the hit runs meanwhile
    bench.supply.done(1);
    EXPECT_THAT(bench.run(0), ElementsAre(3, 4));
    const auto stalls = bench.log.all<trace::StallSpan>();
    ASSERT_EQ(stalls.size(), 2U);
    EXPECT_EQ(stalls[0].key, expertKey(0, 3));
    EXPECT_EQ(stalls[0].end - stalls[0].begin, kCopy - 700);
    EXPECT_EQ(stalls[0].token, trace::TokenIndex(1));
    EXPECT_EQ(stalls[1].end - stalls[1].begin, kCopy);
    EXPECT_NE(stalls[0].transfer, stalls[1].transfer);
}

TEST(ExpertSupply, ACopyThatWasHiddenIsNoStall) {
    Bench bench("uniform", 16);
    bench.ask(0, {3});
    bench.clock.advance(2 * kCopy);
    EXPECT_THAT(bench.run(0), ElementsAre(3));
    EXPECT_THAT(bench.log.all<trace::StallSpan>(), IsEmpty());
}

TEST(ExpertSupply, OneSlotPerLayerServesTwoExperts) {
    Bench bench("uniform", 4);
    EXPECT_THAT(bench.use(2, {6, 1}), ElementsAre(6, 1));
    EXPECT_THAT(bench.use(2, {1, 3}), ElementsAre(1, 3)) << "the hit is used before its slot is taken";
    const auto evictions = bench.log.all<trace::ExpertEvicted>();
    ASSERT_EQ(evictions.size(), 2U);
    EXPECT_EQ(evictions[0].key, expertKey(2, 6));
    EXPECT_EQ(evictions[0].replacedBy, expertKey(2, 1));
    EXPECT_EQ(evictions[0].cause, trace::EvictionCause::Demand);
    EXPECT_EQ(evictions[1].replacedBy, expertKey(2, 3));
    EXPECT_THAT(bench.use(2, {0, 1, 2, 3, 4, 5, 6, 7}), testing::SizeIs(8));
}

TEST(ExpertSupply, AGlobalPoolOfOneSlotServesEveryLayer) {
    Bench bench("global", 1);
    for (int token = 0; token < 3; ++token) {
        bench.step(token);
        for (int layer = 0; layer < 4; ++layer)
            EXPECT_THAT(bench.use(layer, {layer, layer + 3}), testing::UnorderedElementsAre(layer, layer + 3));
    }
    EXPECT_THAT(bench.log.all<trace::ExpertHit>(), IsEmpty());
}

TEST(ExpertSupply, WaitingForTheCallersOwnSlotIsAnErrorNotAHang) {
    Bench bench("uniform", 4);
    bench.ask(0, {1, 2});
    ASSERT_TRUE(bench.supply.next());
    EXPECT_THROW(bench.supply.next(), std::logic_error);
    bench.supply.done(1);
    EXPECT_EQ(bench.supply.next()->expert, 2);
}

TEST(ExpertSupply, AGuessThatComesTrueIsAHitAndWasUsed) {
    Bench bench("uniform", 16);
    bench.ask(0, {1});
    bench.guess(1, 4);
    bench.run(0);
    bench.clock.advance(2 * kCopy);
    bench.use(1, {4});
    EXPECT_THAT(bench.keys<trace::ExpertHit>(), ElementsAre(expertKey(1, 4)));
    const auto issued = bench.log.all<trace::PrefetchIssued>();
    ASSERT_EQ(issued.size(), 1U);
    EXPECT_EQ(issued[0].depth, 1);
    EXPECT_EQ(issued[0].probability, 0.4F);
    const auto resolved = bench.log.all<trace::PrefetchResolved>();
    ASSERT_EQ(resolved.size(), 1U);
    EXPECT_TRUE(resolved[0].used);
    EXPECT_EQ(resolved[0].transfer, issued[0].transfer);
    bench.step(1);
    bench.use(1, {4});
    EXPECT_EQ(bench.log.all<trace::PrefetchResolved>().size(), 1U) << "resolved once";
}

TEST(ExpertSupply, AGuessStillOnItsWayIsPromoted) {
    Bench bench("uniform", 16);
    bench.ask(0, {1});
    bench.guess(1, 4);
    bench.run(0);
    bench.use(1, {4});
    const auto missed = bench.log.all<trace::ExpertMissed>();
    ASSERT_EQ(missed.size(), 2U);
    EXPECT_FALSE(missed[0].inFlight);
    EXPECT_TRUE(missed[1].inFlight);
    EXPECT_THAT(bench.mover.promoted, ElementsAre(trace::TransferId(1)));
    EXPECT_THAT(bench.resolutions(), ElementsAre(true));
    EXPECT_EQ(bench.mover.requests.size(), 2U);
}

TEST(ExpertSupply, AQueuedGuessForALayerThatWasPassedIsDropped) {
    Bench bench("uniform", 16);
    bench.ask(0, {1});
    bench.guess(1, 4);
    bench.guess(1, 5);
    bench.guess(2, 6, 2);
    bench.run(0);
    bench.use(1, {7});
    // 4 was on the link when layer 1 was asked for, 5 was not, 6 is for the layer after.
    EXPECT_THAT(bench.mover.cancelled, ElementsAre(trace::TransferId(2)));
    EXPECT_THAT(bench.resolutions(), ElementsAre(false));
    EXPECT_EQ(bench.cache.state(expertKey(1, 5)), ResidencyState::Absent);
    bench.supply.finishTransfers();
    EXPECT_TRUE(bench.cache.resident(expertKey(1, 4)));
    EXPECT_TRUE(bench.cache.resident(expertKey(2, 6)));
}

TEST(ExpertSupply, AGuessForAnEarlierLayerIsForTheNextStep) {
    Bench bench("uniform", 32);
    bench.ask(3, {1, 2, 3});
    bench.guess(0, 4);
    bench.guess(0, 5);
    bench.run(3);
    bench.step(1);
    bench.use(0, {5});
    EXPECT_EQ(bench.log.all<trace::ExpertMissed>().back().inFlight, true);
}

TEST(ExpertSupply, AnEvictedGuessWasNotUsed) {
    Bench bench("uniform", 4);
    bench.ask(0, {1});
    bench.guess(1, 4);
    bench.run(0);
    bench.supply.finishTransfers();
    bench.use(1, {7});
    EXPECT_THAT(bench.keys<trace::ExpertEvicted>(), ElementsAre(expertKey(1, 4)));
    EXPECT_THAT(bench.resolutions(), ElementsAre(false));
}

TEST(ExpertSupply, AGuessMayEvictButNotWhatThisStepUses) {
    Bench bench("uniform", 8);
    bench.use(1, {0, 1});
    bench.step(1);
    bench.use(1, {1});
    bench.guess(1, 5);
    const auto evictions = bench.log.all<trace::ExpertEvicted>();
    ASSERT_EQ(evictions.size(), 1U);
    EXPECT_EQ(evictions[0].key, expertKey(1, 0));
    EXPECT_EQ(evictions[0].cause, trace::EvictionCause::Prefetch);
    EXPECT_EQ(evictions[0].replacedBy, expertKey(1, 5));
    bench.guess(1, 6);
    EXPECT_EQ(bench.log.all<trace::PrefetchIssued>().size(), 1U);
}

TEST(ExpertSupply, DemandTakesTheSlotsOfGuessesUnderWay) {
    Bench bench("global", 3);
    bench.ask(0, {1});
    bench.guess(1, 4);
    bench.guess(2, 5, 2);
    bench.run(0);
    bench.step(1);
    EXPECT_THAT(bench.use(0, {1, 2, 3}), testing::UnorderedElementsAre(1, 2, 3));
    for (const bool used : bench.resolutions())
        EXPECT_FALSE(used);
}

TEST(ExpertSupply, AWantedGuessThatWasBeingCancelledStillArrives) {
    Bench bench("global", 1);
    bench.ask(0, {});
    bench.guess(1, 4);
    bench.ask(0, {2}); // takes the slot back: the guess is cancelled halfway
    EXPECT_EQ(bench.mover.cancelled.size(), 1U);
    EXPECT_FALSE(bench.supply.expected().resident(expertKey(1, 4)));
    bench.ask(1, {4}); // and is wanted after all
    EXPECT_THAT(bench.run(1), ElementsAre(4));
    EXPECT_THAT(bench.resolutions(), ElementsAre(false)) << "its bytes were dropped";
    EXPECT_FALSE(bench.log.all<trace::ExpertMissed>().back().inFlight);
}

TEST(ExpertSupply, ExpectedCountsWhatIsOnItsWay) {
    Bench bench("uniform", 16);
    bench.ask(0, {1});
    bench.guess(1, 4);
    EXPECT_TRUE(bench.supply.expected().resident(expertKey(0, 1)));
    EXPECT_TRUE(bench.supply.expected().resident(expertKey(1, 4)));
    EXPECT_FALSE(bench.supply.expected().resident(expertKey(1, 5)));
    bench.guess(1, 4);
    EXPECT_EQ(bench.mover.requests.size(), 2U) << "not fetched twice";
}

TEST(ExpertSupply, FillBringsInWhatFitsWithoutEvicting) {
    Bench bench("uniform", 8);
    bench.use(0, {7});
    bench.log.clear();
    EXPECT_EQ(bench.supply.fill(), 7);
    bench.supply.finishTransfers();
    EXPECT_TRUE(bench.cache.resident(expertKey(0, 7)));
    EXPECT_TRUE(bench.cache.resident(expertKey(0, 0)));
    EXPECT_TRUE(bench.cache.resident(expertKey(3, 1)));
    EXPECT_EQ(bench.mover.requests.back().cause, trace::TransferCause::Allocation);
    EXPECT_THAT(bench.log.all<trace::ExpertEvicted>(), IsEmpty());
    EXPECT_EQ(bench.supply.fill(), 0);
}

TEST(ExpertSupply, ARunMayBeginWhileItFills) {
    Bench bench("uniform", 32);
    EXPECT_EQ(bench.supply.fill(), 32);
    EXPECT_THAT(bench.use(3, {7, 6}), testing::UnorderedElementsAre(7, 6));
    EXPECT_EQ(bench.clock.now(), 3 * kCopy) << "after the one that was on the link";
    EXPECT_TRUE(bench.log.all<trace::ExpertMissed>()[0].inFlight);
    EXPECT_THAT(bench.resolutions(), IsEmpty()) << "an allocation is no guess";
    EXPECT_EQ(bench.mover.requests.size(), 32U);
}

TEST(ExpertSupply, ShrinkingEvictsAndSaysWhatEachLayerHas) {
    Bench bench("uniform", 8);
    bench.use(0, {1, 2});
    bench.ask(1, {3});
    bench.guess(2, 6);
    bench.run(1);
    bench.log.clear();
    bench.supply.setPlan({4, {1, 1, 1, 1}});
    const auto evictions = bench.log.all<trace::ExpertEvicted>();
    ASSERT_EQ(evictions.size(), 1U);
    EXPECT_EQ(evictions[0].key, expertKey(0, 1));
    EXPECT_EQ(evictions[0].cause, trace::EvictionCause::Budget);
    EXPECT_FALSE(evictions[0].replacedBy.layer.valid());
    EXPECT_THAT(bench.resolutions(), ElementsAre(false)) << "the guess under way was given up";
    const auto allocations = bench.log.all<trace::SlotsAllocated>();
    ASSERT_EQ(allocations.size(), 4U);
    EXPECT_EQ(allocations[3].layer, trace::Layer(3));
    EXPECT_EQ(allocations[3].slots, 1);
    bench.supply.setPlan({5, {}});
    EXPECT_FALSE(bench.log.all<trace::SlotsAllocated>().back().layer.valid());
    EXPECT_EQ(bench.log.all<trace::SlotsAllocated>().back().slots, 5);
    EXPECT_THAT(bench.use(0, {2, 5}), ElementsAre(2, 5));
}

TEST(ExpertSupply, AnUnfinishedQuestionDoesNotHoldItsSlots) {
    Bench bench("uniform", 8);
    bench.ask(0, {1, 2, 3});
    ASSERT_TRUE(bench.supply.next()); // stopped here by the user
    bench.step(1);
    EXPECT_THAT(bench.use(0, {4, 5}), testing::SizeIs(2));
    bench.supply.settle();
    EXPECT_EQ(bench.cache.used(0), 2);
}

TEST(ExpertSupply, ANewCachePolicyDecidesFromThenOn) {
    Bench bench("uniform", 8);
    for (const int expert : {1, 1, 2})
        bench.use(0, {expert});
    bench.supply.setCachePolicy(policy::makeCachePolicy("lfu"));
    bench.use(0, {2});
    bench.log.clear();
    bench.use(0, {3});
    EXPECT_THAT(bench.keys<trace::ExpertEvicted>(), ElementsAre(expertKey(0, 1)));
}

TEST(ExpertSupply, TheFirstAllocationIsOnRecord) {
    trace::ManualClock clock;
    EventLog log;
    ExpertCache cache({2, 4}, policy::makeCachePolicy("lru"), {5, {3, 2}});
    VirtualMover mover(clock, kCopy);
    const ExpertSupply supply(cache, mover, log.openProducer("engine"), clock);
    const auto allocations = log.all<trace::SlotsAllocated>();
    ASSERT_EQ(allocations.size(), 2U);
    EXPECT_EQ(allocations[0].slots, 3);
}

/// Experts of a layer run for so long while the link has nothing to do.
void compute(Bench& bench, trace::TimeNs time) {
    bench.clock.advance(time);
}

TEST(ExpertSupply, TheMeasuredBudgetIsTheWindowLessItsDemand) {
    Bench bench("uniform", 32);
    constexpr auto kMeasured = ExpertSupply::kMeasuredBudget;
    EXPECT_EQ(bench.supply.guessBudget(0, kMeasured, VirtualMover::kBytes), 0) << "nothing is measured yet";
    EXPECT_EQ(bench.supply.guessBudget(0, 77, VirtualMover::kBytes), 77);
    for (int token = 1; token < 4; ++token) {
        bench.step(token);
        bench.use(0, {token}); // a copy of the window's 4
        compute(bench, 3 * kCopy);
        bench.use(1, {5});
        compute(bench, kCopy / 4);
        bench.use(2, {5});
        bench.use(3, {5});
        bench.supply.endStep();
        compute(bench, 2 * kCopy);
    }
    EXPECT_EQ(bench.supply.guessBudget(0, kMeasured, VirtualMover::kBytes), 3 * VirtualMover::kBytes);
    EXPECT_EQ(bench.supply.guessBudget(1, kMeasured, VirtualMover::kBytes), 0) << "a quarter of a copy is no room";
    EXPECT_EQ(bench.supply.guessBudget(3, kMeasured, VirtualMover::kBytes), 2 * VirtualMover::kBytes)
        << "the last one is for the next step's first layer";
    bench.supply.linkChanged();
    EXPECT_EQ(bench.supply.guessBudget(0, kMeasured, VirtualMover::kBytes), 0);
}

TEST(ExpertSupply, AGuessAtTheNextStepsFirstLayerIsUsedThere) {
    Bench bench("uniform", 16);
    bench.step(1);
    for (int layer = 0; layer < 4; ++layer)
        bench.use(layer, {0, 1});
    bench.supply.endStep();
    bench.guess(0, 5);
    compute(bench, 2 * kCopy);
    bench.log.clear();
    bench.step(2);
    EXPECT_THAT(bench.use(0, {5, 0}), ElementsAre(5, 0));
    EXPECT_THAT(bench.keys<trace::ExpertHit>(), ElementsAre(expertKey(0, 5), expertKey(0, 0)));
    EXPECT_THAT(bench.resolutions(), ElementsAre(true));
}

TEST(ExpertSupply, NothingForeseenLeavesForAWish) {
    Bench bench("uniform", 8); // two a layer
    bench.use(1, {0, 1});
    bench.step(1);
    bench.use(0, {3});
    bench.log.clear();
    const policy::PrefetchWish wish{expertKey(1, 4), 1, 0.3F};
    bench.supply.prefetch({.wishes = {wish}, .foreseen = {expertKey(1, 0)}});
    EXPECT_THAT(bench.keys<trace::ExpertEvicted>(), ElementsAre(expertKey(1, 1)));
}

/// Every step guesses wrongly, just before demand wants the link.
void guessWrongly(Bench& bench, int token) {
    bench.step(token);
    for (int layer = 0; layer < 4; ++layer) {
        bench.ask(layer, {token % 3});
        if (layer < 3 && bench.supply.guessBudget(layer, 1, 1) > 0)
            bench.guess(layer + 1, 3 + token % 5);
        bench.run(layer);
    }
}

TEST(ExpertSupply, GuessesRestWhileTheyMakeDemandWaitAndAreTriedAgain) {
    Bench bench("uniform", 8);
    int token = 1;
    while (bench.supply.guessBudget(0, 1, 1) > 0 && token < 200)
        guessWrongly(bench, token++);
    ASSERT_LT(token, 200) << "they never rested";
    const auto notes = bench.log.all<trace::NoteMade>();
    ASSERT_EQ(notes.size(), 1U);
    const int restedAt = token;
    const auto issued = bench.log.all<trace::PrefetchIssued>().size();
    while (bench.supply.guessBudget(0, 1, 1) == 0 && token < 600)
        guessWrongly(bench, token++);
    EXPECT_LT(token, 600) << "they were never tried again";
    EXPECT_GE(token - restedAt, 60);
    EXPECT_LE(bench.log.all<trace::PrefetchIssued>().size(), issued + 3) << "those of the step in which they are tried again";
    EXPECT_EQ(bench.log.all<trace::SettingChanged>().size(), 2U);
    EXPECT_EQ(bench.log.all<trace::NoteMade>().size(), 2U);

    Bench unwatched("uniform", 8);
    unwatched.supply.setWatched(false);
    for (int i = 1; i < 200; ++i)
        guessWrongly(unwatched, i);
    EXPECT_EQ(unwatched.supply.guessBudget(0, 1, 1), 1);
    EXPECT_THAT(unwatched.log.all<trace::NoteMade>(), IsEmpty());
}

TEST(ExpertSupply, GuessesThatHideTheirCopiesGoOn) {
    Bench bench("uniform", 16);
    for (int token = 1; token < 200; ++token) {
        bench.step(token);
        for (int layer = 0; layer < 4; ++layer) {
            bench.ask(layer, {token % 8});
            if (layer < 3)
                bench.guess(layer + 1, token % 8);
            bench.run(layer);
            compute(bench, 3 * kCopy);
        }
    }
    EXPECT_EQ(bench.supply.guessBudget(0, 1, 1), 1);
    EXPECT_THAT(bench.log.all<trace::NoteMade>(), IsEmpty());
}

} // namespace
} // namespace moescope::expert

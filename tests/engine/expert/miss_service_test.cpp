// The supply with misses that are computed in place.
#include "engine/expert/expert_supply.h"

#include "event_log.h"
#include "virtual_mover.h"

#include <gmock/gmock.h>

namespace moescope::expert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using trace::expertKey;

constexpr trace::TimeNs kCopy = 1000;

struct Bench {
    explicit Bench(std::string_view service, int slots = 8)
        : cache({4, 8}, policy::makeCachePolicy("lru"),
                policy::makeAllocationPolicy("uniform")->plan({.layers = 4, .experts = 8, .slots = slots})),
          mover(clock, kCopy), supply(cache, mover, log.openProducer("engine"), clock) {
        supply.beginStep(trace::TokenIndex(0));
        warm();
        supply.setMissService(policy::makeMissService(service));
        log.clear();
        mover.requests.clear();
    }
    /// Fills every slot, by copies.
    void warm() {
        for (int layer = 0; layer < 4; ++layer)
            use(layer, {{0, 0.5F}, {1, 0.5F}});
    }
    struct Ran {
        std::vector<int> resident;
        std::vector<int> inPlace;
    };
    /// An expert in place takes `inPlaceNs`.
    Ran use(int layer, const std::vector<ExpertSupply::Want>& wants, trace::TimeNs inPlaceNs = 0) {
        supply.ask(layer, wants);
        Ran ran;
        while (const auto ready = supply.next()) {
            (ready->inPlace() ? ran.inPlace : ran.resident).push_back(ready->expert);
            if (ready->inPlace())
                clock.advance(inPlaceNs * wants.front().tokens);
            else
                EXPECT_EQ(mover.holds.at(ready->slot), expertKey(layer, ready->expert));
            supply.done(ready->expert);
        }
        return ran;
    }

    trace::ManualClock clock;
    EventLog log;
    ExpertCache cache;
    VirtualMover mover;
    ExpertSupply supply;
};

TEST(SupplyInPlace, AMissWithoutASlotIsCountedAndLeavesTheCacheAlone) {
    Bench bench("cpu");
    const auto ran = bench.use(0, {{0, 0.5F}, {5, 0.3F}, {6, 0.2F}});
    EXPECT_THAT(ran.resident, ElementsAre(0));
    EXPECT_THAT(ran.inPlace, ElementsAre(5, 6)) << "in the order asked";
    EXPECT_EQ(bench.log.all<trace::ExpertHit>().size(), 1U);
    EXPECT_EQ(bench.log.all<trace::ExpertMissed>().size(), 2U);
    EXPECT_THAT(bench.mover.requests, IsEmpty());
    EXPECT_THAT(bench.log.all<trace::ExpertEvicted>(), IsEmpty());
    EXPECT_THAT(bench.log.all<trace::StallSpan>(), IsEmpty());
    EXPECT_TRUE(bench.cache.resident(expertKey(0, 1)));
    EXPECT_EQ(bench.cache.state(expertKey(0, 5)), ResidencyState::Absent);
}

TEST(SupplyInPlace, EmptySlotsAreFilledFirst) {
    Bench bench("cpu");
    bench.supply.setPlan(policy::makeAllocationPolicy("uniform")->plan({.layers = 4, .experts = 8, .slots = 12}));
    const auto ran = bench.use(0, {{5, 0.3F}, {6, 0.2F}});
    EXPECT_THAT(ran.inPlace, ElementsAre(6));
    EXPECT_THAT(ran.resident, ElementsAre(5));
    EXPECT_TRUE(bench.cache.resident(expertKey(0, 5)));
}

TEST(SupplyInPlace, HybridComputesWhileTheOtherTravelsAndHidesIt) {
    Bench bench("hybrid");
    // Copies are known from the warm-up, computing is tried at once.
    EXPECT_THAT(bench.use(0, {{5, 0.7F}, {6, 0.3F}}, 900).inPlace, ElementsAre(6));
    bench.log.clear();
    const auto ran = bench.use(1, {{5, 0.7F}, {6, 0.3F}}, 900);
    EXPECT_THAT(ran.inPlace, ElementsAre(6));
    EXPECT_THAT(ran.resident, ElementsAre(5));
    const auto stalls = bench.log.all<trace::StallSpan>();
    ASSERT_EQ(stalls.size(), 1U);
    EXPECT_EQ(stalls[0].key, expertKey(1, 5));
    EXPECT_EQ(stalls[0].end - stalls[0].begin, kCopy - 900);
    EXPECT_TRUE(bench.cache.resident(expertKey(1, 5)));
}

TEST(SupplyInPlace, HybridStopsUsingAProcessorThatIsTooSlow) {
    Bench bench("hybrid");
    EXPECT_THAT(bench.use(0, {{5, 0.7F}, {6, 0.3F}}, 5000).inPlace, ElementsAre(6)) << "tried";
    EXPECT_THAT(bench.use(1, {{5, 0.7F}, {6, 0.3F}}, 5000).inPlace, IsEmpty());
    for (int i = 0; i < 600; ++i)
        bench.use(2, {{i % 8, 0.7F}, {(i + 3) % 8, 0.3F}}, 5000);
    EXPECT_THAT(bench.mover.requests, testing::SizeIs(testing::Gt(1000U)));
}

TEST(SupplyInPlace, WhatManyTokensWantTravels) {
    Bench bench("cpu");
    EXPECT_THAT(bench.use(0, {{5, 0.7F, 9}, {6, 0.3F, 2}}).inPlace, ElementsAre(6));
}

TEST(SupplyInPlace, AnOpenQuestionMayBeDroppedAndAskedAgain) {
    Bench bench("cpu");
    const std::vector<ExpertSupply::Want> wants{{5, 0.7F}, {6, 0.3F}};
    bench.supply.ask(0, wants);
    EXPECT_TRUE(bench.supply.next()->inPlace());
    bench.supply.beginStep(trace::TokenIndex(1));
    EXPECT_THAT(bench.use(0, wants).inPlace, ElementsAre(5, 6));
    bench.supply.setMissService(policy::makeMissService("copy"));
    EXPECT_THAT(bench.use(0, wants).resident, ElementsAre(5, 6));
}

TEST(SupplyInPlace, AGuessThatArrivesTooLateDoesNotMakeItsExpertOneOfThoseAtHand) {
    Bench bench("cpu");
    bench.use(0, {{6, 1.0F}}, kCopy / 10);
    bench.supply.beginStep(trace::TokenIndex(1));
    bench.supply.ask(0, {{{0, 0.7F}}});
    bench.supply.prefetch({.wishes = {{.key = expertKey(1, 5)}}, .foreseen = {}});
    bench.supply.next();
    bench.supply.done(0);
    bench.supply.ask(1, {{{1, 0.7F}, {5, 0.3F}}});
    EXPECT_EQ(bench.supply.atHand(), 1) << "expert 5 is still on its way and computed in place";
    bench.clock.advance(kCopy);
    bench.supply.prefetch({});
    bench.supply.endStep();
    ASSERT_EQ(bench.cache.state(expertKey(1, 5)), ResidencyState::Resident);
    EXPECT_EQ(bench.supply.atHand(), 1);
    EXPECT_FALSE(bench.supply.next()->inPlace());
    bench.supply.done(1);
    EXPECT_EQ(bench.supply.atHand(), 0);
    EXPECT_TRUE(bench.supply.next()->inPlace());
    bench.supply.done(5);
    EXPECT_FALSE(bench.supply.next());
}

} // namespace
} // namespace moescope::expert

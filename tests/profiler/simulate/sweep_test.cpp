#include "profiler/simulate/sweep.h"

#include "tests/profiler/simulate/made_recording.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moescope::simulate {
namespace {

using testing::ElementsAre;

TEST(Sweep, ARangeHasBothEnds) {
    EXPECT_THAT(parseSweep("cache-experts=8:64:8").values, ElementsAre("8", "16", "24", "32", "40", "48", "56", "64"));
    EXPECT_THAT(parseSweep("cache-experts=8:20:8").values, ElementsAre("8", "16"));
    EXPECT_THAT(parseSweep("gate-threshold=0:0.3:0.1").values, ElementsAre("0", "0.1", "0.2", "0.3"));
    EXPECT_THAT(parseSweep("cache=lru,belady").values, ElementsAre("lru", "belady"));
    EXPECT_EQ(parseSweep("cache=lru,belady").setting, "cache");
    EXPECT_THAT(parseSweep("link=3.5").values, ElementsAre("3.5"));
}

TEST(Sweep, WhatItCannotBeIsSaid) {
    for (const char* text :
         {"", "cache-experts", "cache-experts=", "cache-experts=1:2", "cache-experts=1:2:0", "cache-experts=9:1:1",
          "cache-experts=a:b:c", "cache-experts=1:4:0.5", "cache=lru,psychic", "nothing=1:2:1", "cache-experts=0:100000:1",
          "cache-experts=1:nan:1", "cache-experts=1:inf:1", "cache=lru,", "gate-threshold=0:1:1e-300"})
        EXPECT_THROW(parseSweep(text), std::invalid_argument) << text;
}

TEST(Sweep, EveryCombinationIsWhatASimulationOfItsOwnGives) {
    const MadeModel model{.layers = 2, .experts = 8, .topK = 2};
    const Simulator simulator(decoded(model, randomChoices(model, 50, 4)));
    const std::vector<SweepAxis> axes{parseSweep("cache=lru,belady"), parseSweep("cache-experts=4:12:4")};
    std::vector<double> shares;
    std::vector<std::vector<std::string>> told;
    const auto points = sweep(
        simulator, {}, axes,
        [&](double share) {
            shares.push_back(share);
            return true;
        },
        [&](const SweepPoint& point) { told.push_back(point.values); });
    ASSERT_EQ(told.size(), points.size());
    for (std::size_t i = 0; i < told.size(); ++i)
        EXPECT_EQ(told[i], points[i].values);
    ASSERT_EQ(points.size(), 6U);
    EXPECT_THAT(points[1].values, ElementsAre("lru", "8"));
    EXPECT_THAT(points[3].values, ElementsAre("belady", "4"));
    for (const SweepPoint& point : points) {
        const Figures alone = simulator.estimate(scenario({{"cache", point.values[0]}, {"cache-experts", point.values[1]}}));
        EXPECT_EQ(point.figures.hits, alone.hits);
        EXPECT_EQ(point.figures.timedNs, alone.timedNs);
        EXPECT_GE(point.figures.optimumHits, point.figures.hits);
    }
    EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end()));
    EXPECT_DOUBLE_EQ(shares.back(), 1);
}

TEST(Sweep, AnAxisGoesBeforeTheScenario) {
    const std::vector<SweepAxis> axes{parseSweep("cache=lru,belady")};
    const Scenario here = scenarioAt(scenario({{"cache", "lfu"}, {"link", "nvme7"}}), axes, {"belady"});
    EXPECT_TRUE(here.belady());
    EXPECT_EQ(here.value("link"), "nvme7");
}

TEST(Sweep, EverySettingOfAScenarioTakesItsChoices) {
    for (const ScenarioSetting& setting : scenarioSettings()) {
        Scenario all;
        for (const std::string& choice : setting.choices)
            EXPECT_NO_THROW(all.set(setting.name, choice)) << setting.name << ' ' << choice;
        EXPECT_NO_THROW(all.set(setting.name, setting.standard)) << setting.name;
    }
    EXPECT_EQ(scenarioSettings().size(), runtime::settingNames().size() - 1) << "all but miss-service";
}

TEST(Sweep, ASimulationComputesNothingInPlace) {
    Scenario scenario;
    EXPECT_NO_THROW(scenario.set("miss-service", "copy"));
    try {
        scenario.set("miss-service", "hybrid");
        FAIL() << "accepted";
    } catch (const std::invalid_argument& refusal) {
        EXPECT_STREQ(refusal.what(), "A simulation computes no expert in place: miss-service can only be copy.");
    }
}

TEST(Sweep, CanBeCancelledBetweenAndWithinItsPoints) {
    const MadeModel model{.layers = 2, .experts = 8, .topK = 2};
    const Simulator simulator(decoded(model, randomChoices(model, 200, 4)));
    int calls = 0;
    EXPECT_THROW(sweep(simulator, {}, {parseSweep("cache-experts=4:12:4")}, [&](double) { return ++calls < 5; }), Cancelled);
    EXPECT_EQ(calls, 5);
}

} // namespace
} // namespace moescope::simulate

#include "engine/policy/miss_service.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <random>
#include <stdexcept>

namespace moescope::policy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Asked {
    std::vector<MissQuestion::Miss> misses;
    int freeSlots = 0;
    double copyNs = 100;
    double inPlaceNs = 100;
    double linkWorth = 0;
};

std::vector<int> chosen(std::string_view name, const Asked& asked) {
    std::vector<int> inPlace{99};
    makeMissService(name)->choose({asked.misses, asked.freeSlots, asked.copyNs, asked.inPlaceNs, asked.linkWorth}, inPlace);
    return inPlace;
}

double slower(const Asked& asked, const std::vector<int>& order, std::size_t count) {
    double processor = 0;
    for (std::size_t i = 0; i < count; ++i)
        processor += asked.inPlaceNs * asked.misses[static_cast<std::size_t>(order[i])].tokens;
    double copies = 0;
    double latest = 0;
    for (int i = 0; i < static_cast<int>(asked.misses.size()); ++i) {
        const MissQuestion::Miss& miss = asked.misses[static_cast<std::size_t>(i)];
        const auto end = order.begin() + static_cast<std::ptrdiff_t>(count);
        if (std::find(order.begin(), end, i) != end)
            continue;
        copies += miss.travels() ? 0 : asked.copyNs;
        latest = std::max(latest, miss.arrivesNs);
    }
    return std::max(processor, latest + copies);
}

TEST(MissService, NamesAreThoseOfTheSetting) {
    EXPECT_THAT(missServiceNames(), ElementsAre("copy", "cpu", "hybrid"));
    for (const std::string& name : missServiceNames())
        EXPECT_EQ(makeMissService(name)->name(), name);
    EXPECT_THROW(makeMissService("gpu"), std::invalid_argument);
}

TEST(MissService, CopyKeepsNothingInPlace) {
    EXPECT_THAT(chosen("copy", {{{1, 0.5F}, {1, 0.1F}}}), IsEmpty());
}

TEST(MissService, CpuComputesAllTheLightestFirst) {
    EXPECT_THAT(chosen("cpu", {{{1, 0.6F}, {1, 0.4F}}}), ElementsAre(1, 0));
    EXPECT_THAT(chosen("cpu", {{{2, 0.1F}, {1, 0.9F}, {1, 0.2F}}}), ElementsAre(2, 1, 0));
    EXPECT_THAT(chosen("cpu", {}), IsEmpty());
}

TEST(MissService, WhatManyTokensWantTravels) {
    EXPECT_THAT(chosen("cpu", {{{5, 0.1F}, {4, 0.9F}}}), ElementsAre(1));
    EXPECT_THAT(chosen("hybrid", {{{5, 0.1F}, {32, 0.9F}}}), IsEmpty());
}

TEST(MissService, WhileSlotsAreFreeMissesMoveIn) {
    EXPECT_THAT(chosen("cpu", {{{1, 0.6F}, {1, 0.4F}, {1, 0.5F}}, 1}), ElementsAre(1, 2));
    EXPECT_THAT(chosen("cpu", {{{1, 0.6F}, {1, 0.4F}}, 7}), IsEmpty());
    EXPECT_THAT(chosen("hybrid", {{{1, 0.6F}, {1, 0.4F}}, 2}), IsEmpty());
}

TEST(MissService, HybridSharesTwoMissesWhenBothAreEquallyFast) {
    EXPECT_THAT(chosen("hybrid", {{{1, 0.6F}, {1, 0.4F}}}), ElementsAre(1));
    EXPECT_THAT(chosen("hybrid", {{{1, 0.6F}}}), IsEmpty()) << "a copy leaves something behind";
    EXPECT_THAT(chosen("hybrid", {{{1, 0.6F}, {1, 0.4F}, {1, 0.3F}, {1, 0.2F}}}), ElementsAre(3, 2));
}

TEST(MissService, HybridLeavesASlowProcessorAloneAndASlowLinkToo) {
    EXPECT_THAT(chosen("hybrid", {{{1, 0.6F}, {1, 0.4F}}, 0, 100, 250}), IsEmpty());
    EXPECT_THAT(chosen("hybrid", {{{1, 0.6F}, {1, 0.4F}}, 0, 100, 40}), ElementsAre(1, 0));
    EXPECT_THAT(chosen("hybrid", {{{1, 0.6F}}, 0, 100, 90}), ElementsAre(0));
    EXPECT_THAT(chosen("hybrid", {{{3, 0.6F}}, 0, 100, 90}), IsEmpty());
}

TEST(MissService, WhatArrivesSoonerThanItWouldBeComputedIsWaitedFor) {
    for (const char* service : {"cpu", "hybrid"}) {
        EXPECT_THAT(chosen(service, {{{1, 0.6F, 40}}}), IsEmpty()) << service;
        EXPECT_THAT(chosen(service, {{{1, 0.6F, 140}}}), ElementsAre(0)) << service;
        EXPECT_THAT(chosen(service, {{{2, 0.6F, 140}}}), IsEmpty()) << service;
        EXPECT_THAT(chosen(service, {{{1, 0.6F, 140}}, 0, 100, -1}), IsEmpty()) << service;
    }
    EXPECT_THAT(chosen("cpu", {{{1, 0.1F, 140}, {1, 0.4F}}}), ElementsAre(1, 0));
    EXPECT_THAT(chosen("cpu", {{{1, 0.1F, 140}, {1, 0.4F}}, 1}), ElementsAre(0)) << "the other finds a free slot";
}

TEST(MissService, HybridCountsWhatIsOnItsWay) {
    EXPECT_THAT(chosen("hybrid", {{{1, 0.6F}, {1, 0.5F, 50}}, 0, 100, 120}), ElementsAre(0));
}

TEST(MissService, HybridTriesWhatItHasNotMeasured) {
    EXPECT_THAT(chosen("hybrid", {{{1, 0.6F}, {1, 0.4F}}, 0, -1, -1}), IsEmpty());
    EXPECT_THAT(chosen("hybrid", {{{1, 0.6F}, {1, 0.4F}}, 0, 100, -1}), ElementsAre(1));
}

TEST(MissService, HybridLeavesTheLinkToGuessesThatNeedIt) {
    EXPECT_THAT(chosen("hybrid", {{{1, 0.6F}}, 0, 100, 120, 0.5}), ElementsAre(0));
    EXPECT_THAT(chosen("hybrid", {{{1, 0.6F}}, 0, 100, 160, 0.5}), IsEmpty());
}

TEST(MissService, HybridIsNeverSlowerThanAnyOtherShare) {
    std::mt19937 random(3);
    for (int round = 0; round < 2000; ++round) {
        Asked asked;
        for (auto i = random() % 7; i > 0; --i)
            asked.misses.push_back({static_cast<int>(random() % 6 + 1), static_cast<float>(random() % 100) / 100,
                                    random() % 3 == 0 ? static_cast<double>(random() % 1500) : -1.0});
        asked.copyNs = 1 + static_cast<double>(random() % 1000);
        asked.inPlaceNs = 1 + static_cast<double>(random() % 1000);
        const std::vector<int> order = chosen("cpu", asked);
        const std::vector<int> found = chosen("hybrid", asked);
        ASSERT_TRUE(std::equal(found.begin(), found.end(), order.begin())) << "a share is a beginning of the order";
        for (std::size_t count = 0; count <= order.size(); ++count)
            ASSERT_LE(slower(asked, order, found.size()), slower(asked, order, count)) << round;
    }
}

} // namespace
} // namespace moescope::policy

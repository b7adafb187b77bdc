#include "app/run_overhead.h"

#include <array>
#include <gtest/gtest.h>
#include <vector>

namespace moescope::app {
namespace {

TEST(RunOverhead, MediansOfBothSidesAndQuartilesOfThePairs) {
    // Off 100, 200, 300, 400, 500; on / off - 1 = 0, 0.1, 0.2, 0.3, 0.4 in another order.
    const std::array<OverheadPair, 5> pairs{OverheadPair{300, 360}, OverheadPair{100, 100}, OverheadPair{500, 700},
                                            OverheadPair{200, 220}, OverheadPair{400, 520}};
    const trace::OverheadMeasured measured = overheadOf(pairs);
    EXPECT_EQ(measured.pairs, 5);
    EXPECT_EQ(measured.offTokenNs, 300);
    EXPECT_EQ(measured.onTokenNs, 360);
    EXPECT_FLOAT_EQ(measured.lowShare, 0.1F);
    EXPECT_FLOAT_EQ(measured.highShare, 0.3F);
}

TEST(RunOverhead, TheMediansConfidenceIsThatOfTheSignTest) {
    // Published bounds of the sign test: of 20 pairs the 6th from either end, of 6 the ends, of 50 the 18th.
    const auto bounds = [](int count) {
        std::vector<OverheadPair> pairs;
        for (int i = 1; i <= count; ++i)
            pairs.push_back({100, 100.0 + i});
        return overheadShares(pairs);
    };
    EXPECT_NEAR(bounds(20).median, 0.105, 1e-12);
    EXPECT_NEAR(bounds(20).low, 0.06, 1e-12);
    EXPECT_NEAR(bounds(20).high, 0.15, 1e-12);
    EXPECT_NEAR(bounds(6).low, 0.01, 1e-12);
    EXPECT_NEAR(bounds(6).high, 0.06, 1e-12);
    EXPECT_NEAR(bounds(50).low, 0.18, 1e-12);
    EXPECT_EQ(overheadShares({}).median, 0);
}

TEST(RunOverhead, BetweenTwoPairsTheQuartilesLieBetweenThem) {
    const std::array<OverheadPair, 2> pairs{OverheadPair{100, 100}, OverheadPair{200, 240}};
    const trace::OverheadMeasured measured = overheadOf(pairs);
    EXPECT_EQ(measured.offTokenNs, 150);
    EXPECT_EQ(measured.onTokenNs, 170);
    EXPECT_FLOAT_EQ(measured.lowShare, 0.05F);
    EXPECT_FLOAT_EQ(measured.highShare, 0.15F);
}

TEST(RunOverhead, AnswersWithoutATimeAreLeftOut) {
    const std::array<OverheadPair, 2> pairs{OverheadPair{0, 100}, OverheadPair{50, 55}};
    EXPECT_EQ(overheadOf(pairs).pairs, 1);
    EXPECT_EQ(overheadOf(pairs).offTokenNs, 50);
    EXPECT_EQ(overheadOf({}).pairs, 0);
}

} // namespace
} // namespace moescope::app

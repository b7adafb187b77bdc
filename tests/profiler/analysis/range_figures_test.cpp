#include "profiler/analysis/range_figures.h"

#include "profiler/analysis/snapshot_builder.h"
#include "tests/profiler/analysis/scripted_run.h"

#include <cmath>
#include <gtest/gtest.h>

namespace moescope::analysis {
namespace {

using trace::Phase;
using trace::Stage;

/// Four tokens, two layers, four experts. Token t takes 1 ms, from t ms on.
SnapshotPtr run() {
    test::ScriptedRun script(2, 4);
    for (int token = 0; token < 4; ++token) {
        script.add(trace::TokenPrompted{token, trace::TurnIndex(0), trace::TokenIndex(token), token}, "x");
        script.choose(token, 0, {0, 1}, {0.875F, 0.125F}, token < 2 ? 2 : 1);
        script.choose(token, 1, {2, static_cast<std::uint16_t>(token % 2)}, {0.5F, 0.5F}, 2);
        script.stage(Stage::Step, token, 1, token * 1'000'000, (token + 1) * 1'000'000);
    }
    SnapshotBuilder builder(script.info());
    builder.add(script.take());
    return builder.snapshot();
}

TEST(RangeFigures, UsageCountsOnlyTheRange) {
    const SnapshotPtr s = run();
    const ExpertUsage all = expertUsage(*s, {0, 4}, UsageValue::Count);
    EXPECT_EQ(all.value, (std::vector<double>{4, 2, 0, 0, 2, 2, 4, 0}));
    EXPECT_EQ(all.layerTotal, (std::vector<double>{6, 8}));
    EXPECT_EQ(all.expertTotal, (std::vector<double>{6, 4, 4, 0}));
    EXPECT_EQ(all.decisions, 8);
    EXPECT_EQ(all.maximum, 4);
    EXPECT_EQ(all.expertsFor90, (std::vector<int>{2, 3}));
    EXPECT_NEAR(all.entropy[1], 1.5, 1e-12);
    const ExpertUsage late = expertUsage(*s, {2, 4}, UsageValue::Count);
    EXPECT_EQ(late.value, (std::vector<double>{2, 0, 0, 0, 1, 1, 2, 0}));
    EXPECT_EQ(expertUsage(*s, {2, 2}, UsageValue::Count).decisions, 0);
}

TEST(RangeFigures, UsageByWeightShareAndDrops) {
    const SnapshotPtr s = run();
    const ExpertUsage weight = expertUsage(*s, {0, 4}, UsageValue::MeanWeight);
    EXPECT_NEAR(weight.value[0], 0.875, 1e-6);
    EXPECT_NEAR(weight.value[1], 0.125, 1e-6);
    EXPECT_NEAR(weight.expertTotal[0], (4 * 0.875 + 2 * 0.5) / 6, 1e-6);
    const ExpertUsage share = expertUsage(*s, {0, 4}, UsageValue::Share);
    EXPECT_NEAR(share.value[0], 4.0 / 6, 1e-12);
    EXPECT_NEAR(share.layerTotal[0], 1, 1e-12);
    EXPECT_NEAR(share.expertTotal[2], 4.0 / 14, 1e-12);
    const ExpertUsage dropped = expertUsage(*s, {0, 4}, UsageValue::Dropped);
    EXPECT_EQ(dropped.value[1], 2);
    EXPECT_EQ(dropped.layerTotal[1], 0);
}

TEST(RangeFigures, GateFiguresPerLayer) {
    const SnapshotPtr s = run();
    const GateHistogram histogram = gateHistogram(*s, {0, 4}, 0, 4);
    EXPECT_EQ(histogram.upper, 0.5);
    EXPECT_EQ(histogram.kept, (std::vector<int>{0, 2, 0, 0}));
    EXPECT_EQ(histogram.dropped, (std::vector<int>{0, 2, 0, 0}));
    EXPECT_EQ(gateHistogram(*s, {0, 4}, -1, 4).kept.back(), 4) << "a tail of one half lies in the last bin";
    const std::vector<GateShare> shares = gateShares(*s, {0, 4});
    ASSERT_EQ(shares.size(), 3U);
    EXPECT_NEAR(shares[0].meanExperts, 1.5, 1e-12);
    EXPECT_NEAR(shares[0].singleShare, 0.5, 1e-12);
    EXPECT_NEAR(shares[2].meanExperts, 14.0 / 8, 1e-12);
    EXPECT_EQ(shares[2].decisions, 8);
}

TEST(RangeFigures, TimeAndTokensTranslate) {
    const SnapshotPtr s = run();
    EXPECT_EQ(tokensIn(*s, 500'000, 1'500'000), (TokenRange{0, 2}));
    EXPECT_EQ(tokensIn(*s, 1'000'000, 2'000'000), (TokenRange{1, 2}));
    EXPECT_EQ(tokensIn(*s, 9'000'000, 9'500'000).size(), 0);
    EXPECT_EQ(timesOf(*s, {1, 3}), (std::pair<trace::TimeNs, trace::TimeNs>{1'000'000, 3'000'000}));
    EXPECT_EQ(timesOf(*s, {7, 9}), (std::pair<trace::TimeNs, trace::TimeNs>{0, 0}));
}

} // namespace
} // namespace moescope::analysis

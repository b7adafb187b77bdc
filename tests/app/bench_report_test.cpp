#include "app/bench_report.h"

#include "app/run_quantile.h"
#include "tests/app/engine_program.h"

#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <iterator>

namespace moescope::app {
namespace {

using testing::HasSubstr;

GatePrice price(const std::string& gate, double mean, double ratio, double kl, double bytes = 0) {
    GatePrice price{.gate = gate, .threshold = 0.1, .quality = {}};
    price.quality.meanExpertsPerTokenLayer = mean;
    price.quality.perplexityRatio = ratio;
    price.quality.meanKl = kl;
    price.quality.bytesPerToken = bytes;
    return price;
}

AblationCell cell(const std::string& name, std::vector<double> rates) {
    AblationCell cell;
    cell.parts.name = name;
    cell.cacheExperts = 8;
    cell.link = "pcie3x16";
    cell.tokensPerSecond = std::move(rates);
    return cell;
}

BenchFigures figures() {
    BenchFigures figures;
    figures.slots = 16;
    figures.layers = 2;
    figures.expertBytes = 1000;
    figures.conditions = {{"machine", "a made one"}};
    figures.quantisation = {{"Q8_0", 0.001, 1.0001}, {"Q4_0", 0.05, 1.01}};
    for (const auto& [gate, cost] :
         {std::pair("adapmoe-pair", 1.0), {"adapmoe", 1.2}, {"score", 2.0}, {"random", 4.0}, {"adapmoe-paper", 3.0}})
        for (const double mean : {1.75, 1.505, 1.25})
            figures.accuracy.push_back(price(gate, mean, 1 + 0.02 * cost * (2 - mean), 0.025 * cost * (2 - mean)));
    figures.residency = {price("adapmoe-pair", 1.75, 1, 0.005, 4e6), price("adapmoe-pair", 1.5, 1, 0.01, 3e6),
                         price("adapmoe-residency", 1.9, 1, 0.005, 3e6), price("adapmoe-residency", 1.7, 1, 0.02, 1e6)};
    figures.recall = {std::vector<GuessCount>{{}, {.found = 90, .asked = 100, .foundMass = 47, .decisions = 50}}};
    figures.eviction = {.slots = {8, 16}, .columns = {"lru", "lfu", "belady"}, .hitRate = {{0.6, 0.7, 0.75}, {1, 1, 1}}};
    figures.allocation = {.slots = {8}, .columns = {"uniform", "belady"}, .hitRate = {{0.6, 0.75}}};
    figures.ablation = {{cell("base", {100, 200, 100}), cell("all", {140, 300, 130})}};
    return figures;
}

TEST(AtMeanK, IsOnTheLineBetweenMeasuredPoints) {
    const std::vector<GatePrice> prices{price("a", 2, 1, 0), price("a", 1, 1, 0.1), price("b", 1.5, 1, 9)};
    EXPECT_NEAR(*atMeanK(prices, "a", 1.5, &QualityResult::meanKl), 0.05, 1e-12);
    EXPECT_EQ(*atMeanK(prices, "a", 2, &QualityResult::meanKl), 0);
    EXPECT_FALSE(atMeanK(prices, "a", 0.9, &QualityResult::meanKl));
    EXPECT_FALSE(atMeanK(prices, "c", 1.5, &QualityResult::meanKl));
    EXPECT_NEAR(*atKl(prices, "a", 0.025, &QualityResult::meanExpertsPerTokenLayer), 1.75, 1e-12);
}

TEST(Quantile, IsLinearBetweenTheSortedValues) {
    EXPECT_EQ(quantile({3, 1, 2}, 0.5), 2);
    EXPECT_EQ(quantile({4, 1, 2, 3}, 0.5), 2.5);
    EXPECT_EQ(quantile({4, 1, 2, 3}, 0), 1);
    EXPECT_EQ(quantile({4, 1, 2, 3}, 1), 4);
    EXPECT_EQ(quantile({}, 0.5), 0);
}

TEST(SpeedUp, ComparesQuestionByQuestion) {
    const SpeedUp ratio = speedUp({100, 200, 100}, {140, 300, 130});
    EXPECT_NEAR(ratio.median, 1.4, 1e-12);
    EXPECT_NEAR(ratio.lower, 1.35, 1e-12);
    EXPECT_NEAR(ratio.upper, 1.45, 1e-12);
    EXPECT_NEAR(speedUp({0, 100}, {50, 200}).median, 2, 1e-12) << "an answer without a time is left out";
}

TEST(BenchTargets, AreJudgedByTheFigures) {
    const auto targets = benchTargets(figures());
    ASSERT_EQ(targets.size(), 8U);
    for (const BenchTarget& target : targets)
        EXPECT_TRUE(target.known) << target.what;
    EXPECT_TRUE(targets[0].reached) << "pair: +0.99 %, KL 0.0124";
    EXPECT_THAT(targets[0].got, HasSubstr("1.505 experts: +0.99 %"));
    EXPECT_TRUE(targets[1].reached);
    EXPECT_TRUE(targets[2].reached && targets[3].reached);
    EXPECT_TRUE(targets[4].reached) << targets[4].got;
    EXPECT_TRUE(targets[5].reached) << targets[5].got;
    EXPECT_TRUE(targets[6].reached) << targets[6].got;
    EXPECT_TRUE(targets[7].reached) << targets[7].got;
    EXPECT_THAT(targets[7].got, HasSubstr("lfu 70.0 % of 75.0 %"));
}

TEST(BenchTargets, WhatIsMissedIsMissedAndWhatIsNotMeasuredIsNotKnown) {
    BenchFigures poor = figures();
    for (GatePrice& one : poor.accuracy)
        if (one.gate == "adapmoe-pair")
            one.quality.meanKl *= 10;
    EXPECT_FALSE(benchTargets(poor)[0].reached);
    EXPECT_FALSE(benchTargets(poor)[2].reached);
    for (const BenchTarget& target : benchTargets({}))
        EXPECT_FALSE(target.known) << target.what;
}

TEST(BenchReport, HoldsEverySectionAndBothHeadlines) {
    const std::string report = benchReport(figures(), true);
    for (const char* part : {"## Aims", "## Conditions", "a made one", "### 8 of 16 experts cached, link pcie3x16",
                             "**1.40** (1.35–1.45)", "single share", "fewer executions", "## What gating costs",
                             "between Q8_0 and Q4_0", "90.0 (94.0)", "| 8 | 60.0 % | 70.0 % | 75.0 % |", "![](ablation.png)"})
        EXPECT_THAT(report, HasSubstr(part));
    EXPECT_THAT(report, testing::Not(HasSubstr("gnuplot-nox")));
    EXPECT_THAT(benchReport(figures(), false), HasSubstr("gnuplot-nox"));
    EXPECT_EQ(benchReport(figures(), true), report);
}

TEST(GnuplotScript, CarriesItsData) {
    const auto plots = benchPlots(figures());
    ASSERT_EQ(plots.size(), 7U);
    const std::string bars = gnuplotScript(plots[0]);
    EXPECT_THAT(bars, HasSubstr("set output \"ablation.png\""));
    EXPECT_THAT(bars, HasSubstr("\"all\" 1.4"));
    const std::string lines = gnuplotScript(plots[2]);
    EXPECT_THAT(lines, HasSubstr("$s0 << END\n1.25 0.01875\n1.505 0.012375\n1.75 0.00625\nEND\n"));
    EXPECT_THAT(lines, HasSubstr("title \"Q4_0 against f16\""));
    EXPECT_THAT(
        gnuplotScript(
            {.stem = "x", .title = "a \"b\" \\c", .xLabel = "", .yLabel = "", .series = {}, .barNames = {}, .marks = {}}),
        HasSubstr(R"(set title "a \"b\" \\c")"));
}

TEST(DrawPlots, WithoutGnuplotTheScriptsAreThere) {
    const test::TemporaryFolder folder;
    const std::string path = std::getenv("PATH");
    setenv("PATH", "/nowhere", 1);
    EXPECT_FALSE(drawPlots(folder.path(), benchPlots(figures())));
    setenv("PATH", path.c_str(), 1);
    EXPECT_TRUE(std::filesystem::exists(folder / "hit-curves.gp"));
    if (!drawPlots(folder.path(), benchPlots(figures())))
        GTEST_SKIP() << "gnuplot is not installed";
    for (const char* name : {"ablation.png", "accuracy-kl.png", "recall.png"})
        EXPECT_GT(std::filesystem::file_size(folder / name), 1000U) << name;
}

} // namespace
} // namespace moescope::app

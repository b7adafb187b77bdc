#include "profiler/session/session_reader.h"
#include "tests/app/engine_program.h"

#include <csignal>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moescope::test {
namespace {

using ::testing::HasSubstr;

std::string sample(const std::string& name) {
    return (std::filesystem::path(MOESCOPE_SOURCE_DIR) / "sample_sessions" / (name + ".moescope")).string();
}

class Simulate : public ::testing::Test {
protected:
    std::size_t filesLeft() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
    }
    TemporaryFolder folder;
};

TEST_F(Simulate, AsRecordedItSaysWhatTheReportSays) {
    const Finished report = runEngine({"report", sample("thrashing"), "--json"});
    const Finished run = runEngine({"simulate", sample("thrashing"), "--json"});
    ASSERT_EQ(run.exitCode, 0) << run.err;
    const auto was = report.json();
    const auto is = run.json();
    EXPECT_EQ(is["estimate"], true);
    EXPECT_EQ(is["approximate_gating"], false);
    for (const char* part : {"recorded", "simulated"})
        for (const char* figure : {"tokens", "hits", "misses", "evictions", "bytes_demand", "optimum_hit_rate"})
            EXPECT_EQ(is[part][figure], was[figure]) << part << ' ' << figure;
    for (const char* part : {"recorded", "simulated"})
        for (const char* figure : {"mean_experts_per_token_layer", "single_expert_share"})
            EXPECT_NEAR(is[part][figure].get<double>(), was[figure].get<double>(), 1e-9) << part << ' ' << figure;
    EXPECT_NEAR(is["recorded"]["decode_tokens_per_second"].get<double>(), was["decode_tokens_per_second"].get<double>(), 1e-6);
}

TEST_F(Simulate, WritesASessionThatOpensAndReports) {
    const std::string file = folder / "a.moescope";
    const Finished run =
        runEngine({"simulate", sample("thrashing"), "--policy", "belady", "--cache-experts", "24", "--output", file});
    ASSERT_EQ(run.exitCode, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr("estimate"));
    EXPECT_THAT(run.out, HasSubstr("offline optimum"));
    EXPECT_EQ(run.err, "");
    EXPECT_EQ(filesLeft(), 1U);
    EXPECT_EQ(runEngine({"verify", file}).exitCode, 0);
    EXPECT_EQ(session::SessionReader(file).info().origin, session::Origin::Simulated);
    const Finished report = runEngine({"report", file});
    EXPECT_EQ(report.exitCode, 0) << report.err;
    EXPECT_THAT(report.out, HasSubstr("simulated"));
    const Finished again = runEngine({"simulate", sample("thrashing"), "--output", file});
    EXPECT_EQ(again.exitCode, 2) << "a session that is there is not overwritten";
}

TEST_F(Simulate, ASweepIsATableWithTheOptimumBeside) {
    const Finished run = runEngine(
        {"simulate", sample("thrashing"), "--sweep", "cache-experts=16:64:16", "--sweep", "cache=lru,belady", "--json"});
    ASSERT_EQ(run.exitCode, 0) << run.err;
    const auto points = run.json()["points"];
    ASSERT_EQ(points.size(), 8U);
    EXPECT_EQ(points[0]["settings"]["cache-experts"], "16");
    EXPECT_EQ(points[0]["settings"]["cache"], "lru");
    for (const auto& point : points)
        EXPECT_LE(point["hit_rate"].get<double>(), point["optimum_hit_rate"].get<double>());
    const Finished table =
        runEngine({"simulate", sample("thrashing"), "--sweep", "cache-experts=16:64:16", "--output", folder / "table.txt"});
    ASSERT_EQ(table.exitCode, 0) << table.err;
    std::ifstream in(folder / "table.txt");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    EXPECT_THAT(text, HasSubstr("optimum"));
    EXPECT_THAT(text, HasSubstr("100.0 %"));
    EXPECT_EQ(filesLeft(), 1U);
}

TEST_F(Simulate, ChangedGatingIsCalledApproximate) {
    const Finished run =
        runEngine({"simulate", sample("thrashing"), "--gate", "adapmoe", "--gate-threshold", "0.01", "--calibration",
                   (std::filesystem::path(MOESCOPE_SOURCE_DIR) / "resources/model/calibration.json").string()});
    ASSERT_EQ(run.exitCode, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr("approximate"));
}

TEST_F(Simulate, ATargetIsFoundOnTheSessionItself) {
    const Finished run = runEngine({"simulate", sample("thrashing"), "--gate", "score", "--gate-target-k", "1.75", "--json"});
    ASSERT_EQ(run.exitCode, 0) << run.err;
    EXPECT_THAT(run.err, HasSubstr("the session's own router decisions"));
    EXPECT_THAT(run.err, HasSubstr("1.750 experts"));
}

TEST_F(Simulate, WhatCannotBeIsOneSentence) {
    const auto refused = [](std::vector<std::string> words, int code, const char* part) {
        words.insert(words.begin(), "simulate");
        const Finished run = runEngine(words);
        EXPECT_EQ(run.exitCode, code) << run.err;
        EXPECT_EQ(run.out, "");
        EXPECT_THAT(run.err, HasSubstr(part));
    };
    refused({folder / "none.moescope"}, 1, "there is no such file");
    refused({sample("thrashing"), "--cache", "psychic"}, 2, "psychic");
    refused({sample("thrashing"), "--sweep", "cache-experts=x"}, 2, "cache-experts");
    refused({sample("thrashing"), "--sweep", "cache-experts=64:8:8"}, 2, "sweep");
    refused({sample("thrashing"), "--cache", "lfu", "--sweep", "cache=lru,lfu"}, 2, "twice");
    refused({sample("thrashing"), "--prefetch", "next-layer", "--prefetch-depth", "2"}, 1, "ahead");
}

TEST_F(Simulate, CtrlCEndsASweepWithoutAFile) {
    EngineProcess program({"simulate", sample("thrashing"), "--sweep", "cache-experts=8:64:1", "--sweep",
                           "cache=lru,lfu,belady", "--sweep", "link=1,2,3,4,5,6,7,8,9,10", "--sweep",
                           "allocation=uniform,global", "--output", folder / "table.txt", "--progress"});
    waitUntilInterruptIsAwaited(program.pid());
    program.signal(SIGINT);
    const Finished run = program.finish();
    EXPECT_EQ(run.exitCode, 1) << run.err;
    EXPECT_THAT(run.err, HasSubstr("cancelled"));
    EXPECT_EQ(filesLeft(), 0U);
}

} // namespace
} // namespace moescope::test

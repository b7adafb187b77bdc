#include "tests/app/engine_program.h"
#include "tests/support/full_calibration.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <thread>

namespace moescope::test {
namespace {

const std::string kStory =
    "Once upon a time there was a little fox who lived in the forest. She liked to play with her friends, the rabbit and the "
    "owl. "
    "One day the fox found a big red ball under a tree. \"Whose ball is this?\" she asked. The owl did not know, and the "
    "rabbit did "
    "not know. So they went to ask the old bear, who knew everything that had ever happened in the forest. ";

class Quality : public ::testing::Test {
protected:
    Quality() {
        std::ofstream text(folder / "story.txt");
        for (int i = 0; i < 6; ++i)
            text << kStory;
    }
    nlohmann::json measure(const std::vector<std::string>& more) {
        std::vector<std::string> words{"quality", "--text", folder / "story.txt", "--window-tokens", "128", "--json"};
        words.insert(words.end(), more.begin(), more.end());
        const Finished result = runEngine(words);
        EXPECT_EQ(result.exitCode, 0) << result.err;
        return result.exitCode == 0 ? result.json() : nlohmann::json::object();
    }
    TemporaryFolder folder;
};

TEST_F(Quality, TheUngatedModelDiffersFromItselfInNothing) {
    const auto q = measure({"--windows", "2"});
    EXPECT_EQ(q["windows"], 2);
    EXPECT_EQ(q["tokens_scored"], 2 * 63) << "the second half of each window, but for its last position";
    EXPECT_EQ(q["mean_kl"], 0.0);
    EXPECT_EQ(q["p99_kl"], 0.0);
    EXPECT_EQ(q["equal_top1"], 1.0);
    EXPECT_EQ(q["perplexity"], q["baseline_perplexity"]);
    EXPECT_EQ(q["mean_experts_per_token_layer"], 2.0);
    EXPECT_GT(q["perplexity"], 1.0);
    EXPECT_LT(q["perplexity"], 50.0);
}

TEST_F(Quality, DecodeAndPrefillAgree) {
    const auto decode = measure({"--windows", "1", "--mode", "decode", "--gate", "adapmoe", "--gate-threshold", "0.02"});
    const auto prefill = measure({"--windows", "1", "--mode", "prefill", "--gate", "adapmoe", "--gate-threshold", "0.02"});
    EXPECT_EQ(decode["perplexity"], prefill["perplexity"]);
    EXPECT_EQ(decode["mean_kl"], prefill["mean_kl"]);
    EXPECT_EQ(decode["mean_experts_per_token_layer"], prefill["mean_experts_per_token_layer"]);
}

TEST_F(Quality, GatingCostsMoreTheMoreItDrops) {
    const auto mild = measure({"--windows", "2", "--gate", "adapmoe", "--gate-threshold", "0.002"});
    const auto hard = measure({"--windows", "2", "--gate", "adapmoe", "--gate-threshold", "1000"});
    EXPECT_GT(mild["mean_kl"], 0.0);
    EXPECT_GT(hard["mean_kl"], mild["mean_kl"]);
    EXPECT_GE(hard["p99_kl"], hard["mean_kl"]);
    EXPECT_LT(hard["equal_top1"], 1.0);
    EXPECT_EQ(hard["single_expert_share"], 1.0);
    EXPECT_EQ(hard["mean_experts_per_token_layer"], 1.0);
    EXPECT_EQ(hard["baseline_perplexity"], mild["baseline_perplexity"]);
}

TEST_F(Quality, TheCacheCostsNoQuality) {
    EXPECT_EQ(measure({"--windows", "1", "--cache-experts", "16"})["perplexity"], measure({"--windows", "1"})["perplexity"]);
}

TEST_F(Quality, EveryFigureHasItsErrorAndBothHeadlinesAreSaid) {
    const auto q = measure({"--windows", "2", "--gate", "adapmoe", "--gate-threshold", "0.05"});
    for (const char* key : {"perplexity", "perplexity_ratio", "mean_kl", "p99_kl", "equal_top1"})
        EXPECT_GT(q[std::string(key) + "_standard_error"], 0.0) << key;
    EXPECT_LT(q["perplexity_ratio_standard_error"], q["perplexity_standard_error"]) << "paired";
    EXPECT_NEAR(q["executions_cut"].get<double>() * 2, q["single_expert_share"].get<double>(), 1e-12);
    EXPECT_NEAR(q["perplexity_ratio"].get<double>(), q["perplexity"].get<double>() / q["baseline_perplexity"].get<double>(),
                1e-12);
    EXPECT_EQ(q["bytes_per_token"], 0.0) << "everything is resident";
}

TEST_F(Quality, BytesAreThoseOfTheRealCache) {
    const auto small = measure({"--windows", "1", "--mode", "decode", "--cache-experts", "16"});
    const auto large = measure({"--windows", "1", "--mode", "decode", "--cache-experts", "48"});
    EXPECT_GT(small["bytes_per_token"], large["bytes_per_token"]);
    EXPECT_LT(small["hit_rate"], large["hit_rate"]);
    // Eight layers of two experts of 417,792 bytes per token, as many as missed.
    EXPECT_NEAR(small["bytes_per_token"].get<double>(), (1 - small["hit_rate"].get<double>()) * 16 * 417'792, 1);
}

TEST_F(Quality, AnInterruptedMeasurementGoesOnAndEndsTheSame) {
    const std::vector<std::string> words{"quality",
                                         "--text",
                                         folder / "story.txt",
                                         "--window-tokens",
                                         "64",
                                         "--mode",
                                         "decode",
                                         "--cache-experts",
                                         "24",
                                         "--gate",
                                         "random",
                                         "--gate-threshold",
                                         "0.3",
                                         "--threads",
                                         "1"};
    const auto with = [&](const std::string& output) {
        std::vector<std::string> all = words;
        all.insert(all.end(), {"--output", folder / output});
        return all;
    };
    const Finished whole = runEngine(with("whole.json"));
    ASSERT_EQ(whole.exitCode, 0) << whole.err;
    const std::string state = folder / "parts.json.state";
    {
        EngineProcess program(with("parts.json"));
        const auto lines = [&] {
            std::ifstream in(state);
            return std::count(std::istreambuf_iterator<char>(in), {}, '\n');
        };
        while (lines() < 2 && !std::filesystem::exists(folder / "parts.json"))
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        program.signal(SIGINT);
        const Finished part = program.finish();
        ASSERT_EQ(part.exitCode, 0) << part.err;
        if (std::filesystem::exists(folder / "parts.json"))
            GTEST_SKIP() << "it was done before it could be interrupted";
        EXPECT_THAT(part.err, ::testing::HasSubstr("goes on from there"));
    }
    std::ofstream(state, std::ios::app) << "[{\"nll\":[1."; // as if killed while it wrote
    const Finished rest = runEngine(with("parts.json"));
    ASSERT_EQ(rest.exitCode, 0) << rest.err;
    EXPECT_FALSE(std::filesystem::exists(state));
    const auto text = [&](const std::string& name) {
        std::ifstream in(folder / name);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    EXPECT_EQ(text("parts.json"), text("whole.json"));
    EXPECT_EQ(rest.out, whole.out);
}

TEST_F(Quality, AStateOfAnotherMeasurementIsRefused) {
    std::ofstream(folder / "q.json.state") << "{}\n";
    const Finished result =
        runEngine({"quality", "--text", folder / "story.txt", "--window-tokens", "64", "--output", folder / "q.json"});
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_THAT(result.err, ::testing::HasSubstr("another measurement"));
}

TEST_F(Quality, AReferenceMustBeAFileOfTheSameModel) {
    const std::string bundled = std::string(MOESCOPE_SOURCE_DIR) + "/resources/model/model-q8_0.gguf";
    const auto same = measure({"--windows", "1", "--reference", bundled});
    EXPECT_EQ(same["mean_kl"], 0.0);
    EXPECT_EQ(same["reference_quantisation"], "Q8_0");
    const std::string f16 = std::string(MOESCOPE_SHARED_DIR) + "/models/tales-moe/model-f16.gguf";
    if (!std::filesystem::exists(f16))
        GTEST_SKIP() << "the f16 file is not here: " << f16;
    const auto loss = measure({"--windows", "2", "--reference", f16});
    EXPECT_GT(loss["mean_kl"], 0.0);
    EXPECT_LT(loss["mean_kl"], 0.01);
    EXPECT_EQ(loss["reference_quantisation"], "F16");
}

TEST_F(Quality, ThePriceListGoesIntoTheCalibrationFile) {
    writeFullCalibration(folder / "cal.json");
    const Finished run =
        runEngine({"quality", "--text", folder / "story.txt", "--window-tokens", "64", "--windows", "1", "--costs-into",
                   folder / "cal.json", "--reference", std::string(MOESCOPE_SOURCE_DIR) + "/resources/model/model-q8_0.gguf"});
    ASSERT_EQ(run.exitCode, 0) << run.err;
    std::ifstream in(folder / "cal.json");
    const auto costs = nlohmann::json::parse(in)["gate_costs"];
    EXPECT_EQ(costs["quantisation"].size(), 1U);
    EXPECT_EQ(costs["text"], "story.txt");
    EXPECT_EQ(costs["points"].size(), 4U * 9U);
    EXPECT_EQ(costs["points"][0]["mean_kl"], 0.0);
    EXPECT_EQ(costs["points"][0]["mean_experts"], 2.0);
    for (std::size_t i = 1; i < 9; ++i)
        EXPECT_LT(costs["points"][i]["mean_experts"], costs["points"][i - 1]["mean_experts"]);
    EXPECT_EQ(runEngine({"quality", "--text", folder / "story.txt", "--costs-into", folder / "cal.json"}).exitCode, 2)
        << "there is no f16 file to compare with";
}

TEST_F(Quality, AShortTextIsRefused) {
    std::ofstream(folder / "short.txt") << "Hello.";
    const Finished result = runEngine({"quality", "--text", folder / "short.txt"});
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_THAT(result.err, ::testing::HasSubstr("512"));
}

} // namespace
} // namespace moescope::test

#include "tests/app/engine_program.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST_F(Quality, AShortTextIsRefused) {
    std::ofstream(folder / "short.txt") << "Hello.";
    const Finished result = runEngine({"quality", "--text", folder / "short.txt"});
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_THAT(result.err, ::testing::HasSubstr("512"));
}

} // namespace
} // namespace moescope::test

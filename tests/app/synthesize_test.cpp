#include "tests/app/engine_program.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moescope::test {
namespace {

using testing::HasSubstr;

TEST(Synthesize, EverythingThatShowsTheModelSaysThatItIsSynthetic) {
    const TemporaryFolder folder;
    const std::string model = folder / "tales.gguf";
    const Finished made = runEngine({"synthesize", "--shape", "tales", "--quant", "q4_0", "--seed", "7", "--output", model});
    ASSERT_EQ(made.exitCode, 0) << made.err;
    EXPECT_THAT(made.out, HasSubstr("GB/s"));
    const auto info = runEngine({"info", model, "--json"}).json();
    EXPECT_EQ(info["synthetic"], true);
    EXPECT_THAT(std::string(info["provenance"]), HasSubstr("seed 7"));
    const Finished run = runEngine({"record", "--model", model, "--prompt", "Tell me a story about a fox.", "--max-tokens",
                                    "16", "--output", folder / "s.moescope"});
    ASSERT_EQ(run.exitCode, 0) << run.err;
    EXPECT_THAT(runEngine({"report", folder / "s.moescope"}).out, HasSubstr("synthetic weights"));
    EXPECT_EQ(runEngine({"info", folder / "s.moescope", "--json"}).json()["model"]["synthetic"], true);
}

TEST(Synthesize, ADryRunListsWhatItWouldWrite) {
    const Finished listed = runEngine({"synthesize", "--shape", "mixtral-8x7b", "--dry-run"});
    ASSERT_EQ(listed.exitCode, 0) << listed.err;
    EXPECT_THAT(listed.out, HasSubstr("blk.31.ffn_down_exps.weight"));
    EXPECT_THAT(listed.out, HasSubstr("46.703 billion weights"));
}

TEST(Synthesize, ComplainsInOneSentence) {
    const auto refused = [](const std::vector<std::string>& arguments, int code, const std::string& reason) {
        const Finished result = runEngine(arguments);
        EXPECT_EQ(result.exitCode, code) << result.err;
        EXPECT_THAT(result.err, HasSubstr(reason));
    };
    refused({"synthesize", "--shape", "gpt-2", "--dry-run"}, 2, "mixtral-8x7b");
    refused({"synthesize", "--shape", "tales"}, 2, "--output");
    refused({"synthesize", "--shape", "tales", "--layers", "9", "--dry-run"}, 2, "8 layers");
    refused({"synthesize", "--shape", "tales", "--output", "/no/such/folder/a.gguf"}, 1, "folder");
    refused({"synthesize", "--shape", "tales", "--quant", "q2_k", "--dry-run"}, 2, "--quant");
}

} // namespace
} // namespace moescope::test

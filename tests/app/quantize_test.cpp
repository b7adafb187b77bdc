#include "tests/app/engine_program.h"

#include <algorithm>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moescope::test {
namespace {

using testing::HasSubstr;

const std::string kBundled = MOESCOPE_SOURCE_DIR "/resources/model/model-q8_0.gguf";

TEST(Quantize, MakesAModelThatRunsAndSaysWhereItComesFrom) {
    const TemporaryFolder folder;
    const Finished made = runEngine({"quantize", kBundled, folder / "q4.gguf", "--type", "q4_0"});
    ASSERT_EQ(made.exitCode, 0) << made.err;
    EXPECT_THAT(made.out, HasSubstr("Q4_0"));
    EXPECT_THAT(made.err, HasSubstr("weights were Q8_0 already"));
    const Finished info = runEngine({"info", folder / "q4.gguf", "--json"});
    ASSERT_EQ(info.exitCode, 0) << info.err;
    EXPECT_EQ(info.json()["quantisation"], "Q4_0");
    EXPECT_THAT(std::string(info.json()["provenance"]), HasSubstr("model-q8_0.gguf"));
    const Finished run = runEngine({"record", "--model", folder / "q4.gguf", "--prompt", "Tell me a story about a fox.",
                                    "--max-tokens", "8", "--temperature", "0", "--output", folder / "s.moescope"});
    EXPECT_EQ(run.exitCode, 0) << run.err;
    EXPECT_GT(run.out.size(), 8U);
}

TEST(Quantize, ComplainsInOneSentence) {
    const TemporaryFolder folder;
    const auto refused = [&](const Finished& result, int code, const std::string& reason) {
        EXPECT_EQ(result.exitCode, code) << result.err;
        EXPECT_THAT(result.err, HasSubstr(reason));
    };
    std::ofstream(folder / "there.gguf") << "x";
    refused(runEngine({"quantize", kBundled, folder / "there.gguf", "--type", "q4_0"}), 2, "--overwrite");
    refused(runEngine({"quantize", kBundled, folder / "no/a.gguf", "--type", "q4_0"}), 1, "folder");
    refused(runEngine({"quantize", kBundled, folder / "a.gguf", "--type", "q5_k"}), 2, "--type");
    refused(runEngine({"quantize", kBundled, folder / "a.gguf"}), 2, "--type");
    refused(runEngine({"quantize", "/etc/passwd", folder / "a.gguf", "--type", "f16"}), 1, "passwd");
    EXPECT_FALSE(std::filesystem::exists(folder / "a.gguf"));
}

} // namespace
} // namespace moescope::test

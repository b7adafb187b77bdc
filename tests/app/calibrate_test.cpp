#include "tests/app/engine_program.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moescope::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::string kStory =
    "Once upon a time there was a little fox who lived in the forest. She liked to play with her friends, the rabbit and the "
    "owl. One day the fox found a big red ball under a tree. \"Whose ball is this?\" she asked. The owl did not know, and the "
    "rabbit did not know. So they went to ask the old bear, who knew everything that had ever happened in the forest.\n"
    "<|endoftext|>\n";

class Calibrate : public testing::Test {
protected:
    Calibrate() {
        std::ofstream text(folder / "story.txt");
        for (int i = 0; i < 12; ++i)
            text << kStory;
    }
    Finished run(const std::vector<std::string>& more) const {
        std::vector<std::string> words{"calibrate",       "--text", folder / "story.txt", "--output", output,
                                       "--window-tokens", "64"};
        words.insert(words.end(), more.begin(), more.end());
        return runEngine(words);
    }
    json written() const { return json::parse(std::ifstream(output)); }
    TemporaryFolder folder;
    const std::string output = folder / "cal.json";
};

TEST_F(Calibrate, WritesWhatTheEngineReads) {
    const Finished result = run({"--tokens", "256", "--direct-tokens", "64", "--epochs", "2"});
    ASSERT_EQ(result.exitCode, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("rank correlation"));
    const json file = written();
    EXPECT_EQ(file["format"], "moescope-calibration");
    EXPECT_EQ(file["tokens"], 256);
    EXPECT_EQ(file["text"], "story.txt");
    EXPECT_EQ(file["sensitivity"]["refined"].size(), 8U);
    EXPECT_EQ(file["sensitivity"]["pair"][7][7].size(), 8U);
    EXPECT_EQ(file["hit_curves"]["lru"][0].size(), 9U);
    const Finished used = runEngine({"quality", "--text", folder / "story.txt", "--window-tokens", "64", "--windows", "1",
                                     "--gate", "adapmoe", "--gate-threshold", "0.01", "--calibration", output, "--json"});
    EXPECT_EQ(used.exitCode, 0) << used.err;
}

TEST_F(Calibrate, IsRefusedForAnotherModel) {
    ASSERT_EQ(run({"--tokens", "128", "--direct-tokens", "0", "--epochs", "0"}).exitCode, 0);
    json file = written();
    file["model_hash"] = "0123456789abcdef";
    std::ofstream(output) << file;
    const Finished used = runEngine({"quality", "--text", folder / "story.txt", "--window-tokens", "64", "--gate", "adapmoe",
                                     "--gate-threshold", "0.01", "--calibration", output});
    EXPECT_EQ(used.exitCode, 1);
    EXPECT_THAT(used.err, HasSubstr("0123456789abcdef"));
}

TEST_F(Calibrate, StoppedItLeavesNoFile) {
    EngineProcess process({"calibrate", "--text", folder / "story.txt", "--output", output, "--window-tokens", "64", "--method",
                           "forward", "--relative-error", "0.005", "--probes", "1000000", "--progress"});
    waitUntilInterruptIsAwaited(process.pid());
    process.signal(SIGINT);
    const Finished stopped = process.finish();
    EXPECT_EQ(stopped.exitCode, 1) << stopped.err;
    EXPECT_THAT(stopped.err, HasSubstr("no calibration was written"));
    EXPECT_FALSE(std::filesystem::exists(output));
    EXPECT_FALSE(std::filesystem::exists(output + ".part"));
}

TEST_F(Calibrate, ComplainsInOneSentence) {
    const auto refused = [&](const Finished& result, int code, const std::string& reason) {
        EXPECT_EQ(result.exitCode, code) << result.err;
        EXPECT_THAT(result.err, HasSubstr(reason));
        EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    };
    std::ofstream(folder / "short.txt") << "Hello.";
    refused(runEngine({"calibrate", "--text", folder / "short.txt", "--output", output}), 1, "a calibration needs 2");
    refused(runEngine({"calibrate", "--text", folder / "none.txt", "--output", output}), 1, "cannot be read");
    refused(runEngine({"calibrate", "--text", folder / "story.txt", "--output", folder / "no/cal.json"}), 1, "folder");
    std::ofstream(output) << "{}";
    refused(run({}), 2, "--overwrite");
}

} // namespace
} // namespace moescope::test

#include "tests/app/engine_program.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moescope::test {
namespace {

using ::testing::HasSubstr;

TEST(CommandLine, EveryCommandTeachesItsFlags) {
    const Finished root = runEngine({"--help"});
    EXPECT_EQ(root.exitCode, 0);
    for (const char* command : {"serve", "record", "report", "quality", "quantize", "synthesize", "info", "verify", "export"}) {
        EXPECT_THAT(root.out, HasSubstr(command));
        const Finished help = runEngine({command, "--help"});
        EXPECT_EQ(help.exitCode, 0) << command;
        EXPECT_THAT(help.out, HasSubstr("Example")) << command;
        EXPECT_EQ(help.err, "") << command;
    }
}

TEST(CommandLine, RecordKnowsEveryFlagOfTheManual) {
    const Finished help = runEngine({"record", "--help"});
    for (const char* flag : {"--model",          "--prompt",
                             "--prompt-file",    "--raw-prompt",
                             "--max-tokens",     "--seed",
                             "--temperature",    "--top-k",
                             "--top-p",          "--min-p",
                             "--repeat-penalty", "--threads",
                             "--gate",           "--gate-threshold",
                             "--cache",          "--cache-experts",
                             "--allocation",     "--prefetch",
                             "--prefetch-depth", "--prefetch-budget-mb",
                             "--link",           "--output",
                             "--calibration",    "--system",
                             "--stop",           "--at"})
        EXPECT_THAT(help.out, HasSubstr(std::string(flag) + " ")) << flag;
}

struct Wrong {
    std::vector<std::string> arguments;
    int exitCode;
    const char* says;
};

/// Names the case in ctest's list.
void PrintTo(const Wrong& wrong, std::ostream* out) {
    for (const std::string& argument : wrong.arguments)
        *out << argument << ' ';
}

class WrongUse : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongUse, IsOneSentenceOnStderrAndAnExitCode) {
    const Finished result = runEngine(GetParam().arguments);
    EXPECT_EQ(result.exitCode, GetParam().exitCode) << result.err;
    EXPECT_THAT(result.err, HasSubstr(GetParam().says));
    EXPECT_EQ(result.err.rfind("moescope-engine: ", 0), 0U) << result.err;
    EXPECT_EQ(result.out, "");
    const std::string first = result.err.substr(0, result.err.find('\n'));
    EXPECT_EQ(first.back(), '.') << first;
}

INSTANTIATE_TEST_SUITE_P(
    Every, WrongUse,
    ::testing::Values(Wrong{{}, 2, "commands are"}, Wrong{{"sing"}, 2, "'sing'"}, Wrong{{"record"}, 2, "no question"},
                      Wrong{{"record", "--prompt", "a", "--raw-prompt", "b"}, 2, "exclude each other"},
                      Wrong{{"record", "--prompt", "a", "--volume", "11"}, 2, "--volume"},
                      Wrong{{"record", "--prompt", "a", "--seed", "1", "--seed", "2"}, 2, "only once"},
                      Wrong{{"record", "--prompt", "a", "--gate", "open"}, 2, "'open'"},
                      Wrong{{"record", "--prompt", "a", "--gate-threshold", "nan"}, 2, "gate-threshold"},
                      Wrong{{"record", "--prompt", "a", "--cache", "random"}, 2, "lru"},
                      Wrong{{"record", "--prompt", "a", "--cache-experts", "-3"}, 2, "cache-experts"},
                      Wrong{{"record", "--prompt", "a", "--link", "carrier-pigeon"}, 2, "pcie4x16"},
                      Wrong{{"record", "--prompt", "a", "--prefetch-depth", "9"}, 2, "prefetch-depth"},
                      Wrong{{"record", "--prompt", "a", "--temperature", "nan"}, 2, "--temperature"},
                      Wrong{{"record", "--prompt", "a", "--threads", "0"}, 2, "--threads"},
                      Wrong{{"record", "--prompt", "a", "--at", "soon:gate=topk"}, 2, "--at"},
                      Wrong{{"record", "--prompt", "a", "--at", "5:volume=11"}, 2, "volume"},
                      Wrong{{"record", "--prompt-file", "/no/such/file"}, 1, "/no/such/file"},
                      Wrong{{"record", "--prompt", "a", "--model", "/no/such/model.gguf"}, 1, "/no/such/model.gguf"},
                      Wrong{{"record", "--prompt", "a", "--model", "/etc/passwd"}, 1, "passwd"}, Wrong{{"report"}, 2, "file"},
                      Wrong{{"report", "/no/such.moescope"}, 1, "such.moescope"}, Wrong{{"report", "/etc/passwd"}, 1, "passwd"},
                      Wrong{{"verify", "/etc/passwd"}, 1, "passwd"}, Wrong{{"info", "/etc/passwd"}, 1, "passwd"},
                      Wrong{{"export", "/etc/passwd", "--format", "csv"}, 1, "passwd"},
                      Wrong{{"export", "a.moescope", "--format", "xml"}, 2, "xml"},
                      Wrong{{"quality", "--text", "/no/such/text"}, 1, "/no/such/text"}, Wrong{{"quality"}, 2, "--text"},
                      Wrong{{"serve", "--loudly"}, 2, "--loudly"}));

TEST(CommandLine, ModelInfoIsThatOfTheBundledModel) {
    const Finished result = runEngine({"info", MOESCOPE_SOURCE_DIR "/resources/model/model-q8_0.gguf", "--json"});
    ASSERT_EQ(result.exitCode, 0) << result.err;
    const auto info = result.json();
    EXPECT_EQ(info["kind"], "model");
    EXPECT_EQ(info["layers"], 8);
    EXPECT_EQ(info["experts"], 8);
    EXPECT_EQ(info["top_k"], 2);
    EXPECT_EQ(info["quantisation"], "Q8_0");
    EXPECT_EQ(info["file_bytes"], std::filesystem::file_size(MOESCOPE_SOURCE_DIR "/resources/model/model-q8_0.gguf"));
}

TEST(CommandLine, ATruncatedModelIsRefusedInOneSentence) {
    const TemporaryFolder folder;
    std::ifstream whole(MOESCOPE_SOURCE_DIR "/resources/model/model-q8_0.gguf", std::ios::binary);
    std::string part(100'000, '\0');
    whole.read(part.data(), static_cast<std::streamsize>(part.size()));
    std::ofstream(folder / "part.gguf", std::ios::binary) << part;
    const Finished result =
        runEngine({"record", "--prompt", "a", "--model", folder / "part.gguf", "--output", folder / "s.moescope"});
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_THAT(result.err, HasSubstr("part.gguf"));
    EXPECT_FALSE(std::filesystem::exists(folder / "s.moescope")) << "a run that never began leaves no session";
}

} // namespace
} // namespace moescope::test

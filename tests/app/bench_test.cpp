#include "tests/app/engine_program.h"
#include "tests/support/full_calibration.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>

namespace moescope::test {
namespace {

using ::testing::HasSubstr;

std::string textOf(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// From the section's head to the next one.
std::string section(const std::string& report, const std::string& head) {
    const std::size_t begin = report.find(head);
    return begin == std::string::npos ? "" : report.substr(begin, report.find("\n## ", begin) - begin);
}

TEST(Bench, AQuickRunWritesAReportAndASessionPerCell) {
    const TemporaryFolder folder;
    {
        std::ofstream text(folder / "story.txt");
        for (int i = 0; i < 4; ++i)
            text << "Once upon a time there was a little fox who lived in the forest. She liked to play with her friends, the "
                    "rabbit and the owl. One day the fox found a big red ball under a tree. ";
    }
    writeFullCalibration(folder / "cal.json");
    const std::vector<std::string> words{
        "bench",         "adapmoe",           "--quick",  "--threads",   "1", "--text", folder / "story.txt",
        "--calibration", folder / "cal.json", "--output", folder / "out"};
    const Finished run = runEngine(words);
    ASSERT_EQ(run.exitCode, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr("report: "));
    const std::string report = textOf(folder / "out/report.md");
    for (const char* part :
         {"## Aims", "## Conditions", "link pcie3x16", "adapmoe-residency", "## What the next layers' gates foresee"})
        EXPECT_THAT(report, HasSubstr(part));
    int sessions = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "out/sessions")) {
        ++sessions;
        EXPECT_EQ(runEngine({"verify", entry.path().string()}).exitCode, 0) << entry.path();
    }
    EXPECT_GE(sessions, 8);
    EXPECT_TRUE(std::filesystem::exists(folder / "out/accuracy-kl.gp"));

    // What is not a time is the same again: measured anew, and from the other state file.
    std::filesystem::remove(folder / "out/accuracy.state");
    const Finished again = runEngine(words);
    ASSERT_EQ(again.exitCode, 0) << again.err;
    const std::string second = textOf(folder / "out/report.md");
    for (const char* head : {"## What gating costs", "## What the next layers' gates foresee", "## Eviction", "## Allocation"})
        EXPECT_EQ(section(second, head), section(report, head)) << head;
}

TEST(Bench, WrongUsageIsOneSentence) {
    EXPECT_EQ(runEngine({"bench"}).exitCode, 2);
    EXPECT_EQ(runEngine({"bench", "adapmoe", "--output", "x"}).exitCode, 2);
    const Finished run = runEngine({"bench", "adapmoe", "--text", "/nowhere", "--output", "/nowhere/x"});
    EXPECT_EQ(run.exitCode, 1);
    EXPECT_THAT(run.err, HasSubstr("/nowhere"));
}

} // namespace
} // namespace moescope::test

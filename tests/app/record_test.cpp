#include "profiler/session/session_reader.h"
#include "tests/app/engine_program.h"

#include <csignal>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

namespace moescope::test {
namespace {

using ::testing::HasSubstr;
using Words = std::vector<std::string>;

Words record(const std::string& output, const Words& more) {
    Words words{"record", "--prompt", "Tell me a story about a fox.", "--seed", "7", "--threads", "1", "--output", output};
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

class Recorded : public ::testing::Test {
protected:
    nlohmann::json report(const std::string& name) {
        const Finished result = runEngine({"report", folder / name, "--json"});
        EXPECT_EQ(result.exitCode, 0) << result.err;
        return result.exitCode == 0 ? result.json() : nlohmann::json::object();
    }
    TemporaryFolder folder;
};

TEST_F(Recorded, ReportHoldsTheKeysAndAddsUp) {
    const Finished run = runEngine(record(folder / "a.moescope", {"--max-tokens", "24", "--cache-experts", "32", "--link",
                                                                  "pcie3x16", "--prefetch", "next-layer"}));
    ASSERT_EQ(run.exitCode, 0) << run.err;
    EXPECT_THAT(run.err, HasSubstr("session: "));
    const auto r = report("a.moescope");
    for (const char* key : {"tokens",
                            "decode_tokens_per_second",
                            "ttft_ms",
                            "expert_choices",
                            "expert_executions",
                            "mean_experts_per_token_layer",
                            "single_expert_share",
                            "hits",
                            "misses",
                            "hit_rate",
                            "optimum_hit_rate",
                            "bytes_demand",
                            "bytes_prefetch",
                            "bytes_prefetch_used",
                            "bytes_unattributed",
                            "stall_ms_per_token",
                            "events",
                            "events_lost",
                            "link",
                            "emulated"})
        EXPECT_TRUE(r.contains(key)) << key;
    EXPECT_EQ(r["tokens"], 24);
    EXPECT_EQ(r["events_lost"], 0);
    EXPECT_EQ(r["bytes_unattributed"], 0);
    EXPECT_EQ(r["link"], "pcie3x16");
    EXPECT_EQ(r["emulated"], true);
    EXPECT_EQ(r["mean_experts_per_token_layer"], 2.0);
    EXPECT_EQ(r["expert_choices"], r["expert_executions"]);
    // Every token read chooses two experts in each of eight layers; the last token emitted is not read.
    EXPECT_EQ(r["expert_choices"], (r["prompt_tokens"].get<int>() + 23) * 8 * 2);
    EXPECT_NEAR(r["hit_rate"], r["hits"].get<double>() / (r["hits"].get<double>() + r["misses"].get<double>()), 1e-9);
    EXPECT_GT(r["bytes_demand"].get<std::int64_t>() + r["bytes_prefetch"].get<std::int64_t>(), 0);
    EXPECT_LE(r["bytes_prefetch_used"], r["bytes_prefetch"]);
    EXPECT_EQ(r["turns"][0]["answer"].get<std::string>() + "\n", run.out);
    EXPECT_EQ(r["turns"][0]["ended"], "token_limit");
    EXPECT_EQ(r["finished"], true);
    EXPECT_EQ(runEngine({"verify", folder / "a.moescope"}).exitCode, 0);
    EXPECT_EQ(runEngine({"info", folder / "a.moescope"}).exitCode, 0);
    EXPECT_EQ(session::SessionReader(folder / "a.moescope").info().sensitivity.size(), 8U) << "as calibrated";
    EXPECT_THAT(session::SessionReader(folder / "a.moescope").info().calibration, HasSubstr("moescope-calibration"));
    const Finished text = runEngine({"report", folder / "a.moescope"});
    EXPECT_THAT(text.out, HasSubstr("pcie3x16 (emulated link)"));
    EXPECT_THAT(text.out, HasSubstr("Tell me a story about a fox."));
}

TEST_F(Recorded, NoCacheSettingChangesTheAnswer) {
    const Finished resident = runEngine(record(folder / "all.moescope", {"--max-tokens", "20"}));
    ASSERT_EQ(resident.exitCode, 0) << resident.err;
    const std::vector<Words> settings{{"--cache-experts", "16"},
                                      {"--cache-experts", "24", "--cache", "lfu", "--allocation", "global"},
                                      {"--cache-experts", "16", "--prefetch", "next-layer", "--prefetch-depth", "2"}};
    for (std::size_t i = 0; i < settings.size(); ++i) {
        Words more = settings[i];
        more.insert(more.end(), {"--max-tokens", "20"});
        EXPECT_EQ(runEngine(record(folder / (std::to_string(i) + ".moescope"), more)).out, resident.out) << i;
    }
    const auto r = report("all.moescope");
    EXPECT_EQ(r["misses"], 0);
    EXPECT_EQ(r["hit_rate"], 1.0);
    EXPECT_EQ(r["optimum_hit_rate"], 1.0);
    EXPECT_EQ(r["emulated"], false);
}

TEST_F(Recorded, OptimumIsNoWorseThanTheRunWithoutPrefetch) {
    for (const char* slots : {"16", "24", "40"}) {
        const std::string name = std::string("o") + slots + ".moescope";
        ASSERT_EQ(runEngine(record(folder / name, {"--max-tokens", "40", "--cache-experts", slots})).exitCode, 0);
        const auto r = report(name);
        EXPECT_GE(r["optimum_hit_rate"].get<double>(), r["hit_rate"].get<double>()) << slots;
        EXPECT_LT(r["optimum_hit_rate"].get<double>(), 1.0) << slots;
    }
}

TEST_F(Recorded, ScheduledSettingsTakeEffectAtTheirToken) {
    const Finished run = runEngine(record(folder / "at.moescope", {"--max-tokens", "30", "--gate", "adapmoe", "--at",
                                                                   "12:gate-threshold=0.05", "--at", "20:cache-experts=16"}));
    ASSERT_EQ(run.exitCode, 0) << run.err;
    const auto r = report("at.moescope");
    ASSERT_EQ(r["setting_changes"].size(), 2U);
    EXPECT_EQ(r["setting_changes"][0]["name"], "gate-threshold");
    EXPECT_EQ(r["setting_changes"][0]["before"], "0");
    EXPECT_EQ(r["setting_changes"][0]["after"], "0.05");
    // The twelfth answered token is the first to be read under it.
    EXPECT_EQ(r["setting_changes"][0]["token"], r["prompt_tokens"].get<int>() + 11);
    EXPECT_EQ(r["setting_changes"][1]["token"], r["prompt_tokens"].get<int>() + 19);
    EXPECT_EQ(r["settings"]["cache-experts"], "16");
    EXPECT_LT(r["mean_experts_per_token_layer"], 2.0);
    EXPECT_GT(r["single_expert_share"], 0.0);
    EXPECT_GT(r["evictions"], 0);
}

TEST_F(Recorded, TurnsOfAConversationFollowEachOther) {
    const Finished run = runEngine(record(folder / "turns.moescope", {"--prompt", "And then?", "--max-tokens", "10"}));
    ASSERT_EQ(run.exitCode, 0) << run.err;
    const auto r = report("turns.moescope");
    ASSERT_EQ(r["turns"].size(), 2U);
    EXPECT_EQ(r["turns"][1]["prompt"], "And then?");
    EXPECT_EQ(r["tokens"], r["turns"][0]["answer_tokens"].get<int>() + r["turns"][1]["answer_tokens"].get<int>());
    EXPECT_EQ(run.out, r["turns"][0]["answer"].get<std::string>() + "\n" + r["turns"][1]["answer"].get<std::string>() + "\n");
}

TEST_F(Recorded, StopStringsAndRawPrompts) {
    Words words{"record",       "--raw-prompt", "Once upon a time", "--temperature",        "0",
                "--max-tokens", "80",           "--output",         folder / "raw.moescope"};
    const Finished whole = runEngine(words);
    ASSERT_EQ(whole.exitCode, 0) << whole.err;
    const std::size_t end = whole.out.find('.');
    ASSERT_NE(end, std::string::npos);
    words.back() = folder / "stop.moescope";
    words.insert(words.end(), {"--stop", "."});
    EXPECT_EQ(runEngine(words).out, whole.out.substr(0, end) + "\n");
    EXPECT_EQ(report("stop.moescope")["turns"][0]["ended"], "stop_string");
}

/// Waits until that many events of a running recording can be read.
bool holdsEventsSoon(const std::filesystem::path& file, std::int64_t events) {
    for (int i = 0; i < 3000; ++i) {
        try {
            if (session::SessionReader(file).lastSeq() >= events)
                return true;
        } catch (const std::runtime_error&) {
            // Not there yet, or its tables are not.
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
}

TEST_F(Recorded, CtrlCFinishesTheSession) {
    EngineProcess run(record(folder / "c.moescope",
                             {"--max-tokens", "100000", "--temperature", "1.5", "--link", "0.1", "--cache-experts", "8"}));
    ASSERT_TRUE(holdsEventsSoon(folder / "c.moescope", 100)) << "the answer never began";
    run.signal(SIGINT);
    const Finished result = run.finish();
    EXPECT_EQ(result.exitCode, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr("Stopped on request"));
    const auto r = report("c.moescope");
    EXPECT_EQ(r["finished"], true);
    EXPECT_EQ(r["turns"][0]["ended"], "requested");
    EXPECT_EQ(runEngine({"verify", folder / "c.moescope"}).exitCode, 0);
}

TEST_F(Recorded, AFullDiskEndsTheRunAndKeepsWhatWasRecorded) {
    const Finished run = runEngine(
        record(folder / "full.moescope", {"--max-tokens", "400", "--cache-experts", "16", "--max-session-mb", "0.25"}));
    EXPECT_EQ(run.exitCode, 1) << run.err;
    EXPECT_THAT(run.err, HasSubstr("no room left"));
    const auto r = report("full.moescope");
    EXPECT_GT(r["tokens"], 0);
    EXPECT_LT(r["tokens"], 400);
    EXPECT_EQ(runEngine({"verify", folder / "full.moescope"}).exitCode, 0);
}

TEST_F(Recorded, NothingIsOverwritten) {
    std::ofstream(folder / "mine.moescope") << "precious";
    const Finished run = runEngine(record(folder / "mine.moescope", {"--max-tokens", "2"}));
    EXPECT_EQ(run.exitCode, 1);
    EXPECT_THAT(run.err, HasSubstr("exists"));
    EXPECT_EQ(std::filesystem::file_size(folder / "mine.moescope"), 8U);
}

TEST_F(Recorded, ADamagedSessionDoesNotVerify) {
    ASSERT_EQ(runEngine(record(folder / "d.moescope", {"--max-tokens", "12"})).exitCode, 0);
    std::fstream file(folder / "d.moescope", std::ios::in | std::ios::out | std::ios::binary);
    const auto size = static_cast<std::streamoff>(std::filesystem::file_size(folder / "d.moescope"));
    for (std::streamoff at = size / 3; at < size; at += 2048) {
        file.seekp(at);
        file << "damage";
    }
    file.close();
    EXPECT_EQ(runEngine({"verify", folder / "d.moescope"}).exitCode, 1);
}

TEST_F(Recorded, ExportsForOtherPrograms) {
    ASSERT_EQ(runEngine(record(folder / "e.moescope", {"--max-tokens", "6"})).exitCode, 0);
    const Finished csv = runEngine({"export", folder / "e.moescope", "--format", "csv", "--output", folder / "tables"});
    EXPECT_EQ(csv.exitCode, 0) << csv.err;
    EXPECT_TRUE(std::filesystem::exists(folder / "tables/token_emitted.csv"));
    EXPECT_EQ(runEngine({"export", folder / "e.moescope", "--format", "chrome", "--output", folder / "t.json"}).exitCode, 0);
    std::ifstream trace(folder / "t.json");
    EXPECT_GT(nlohmann::json::parse(trace)["traceEvents"].size(), 100U);
    EXPECT_EQ(runEngine({"export", folder / "e.moescope", "--format", "chrome", "--output", folder / "t.json"}).exitCode, 1);
}

TEST_F(Recorded, WithoutAnOutputNameTheSessionIsNamedAfterTimeAndModel) {
    const Finished run = runEngine(record(folder.path().string() + "/new/", {"--max-tokens", "2"}));
    ASSERT_EQ(run.exitCode, 0) << run.err;
    const auto first = std::filesystem::directory_iterator(folder.path() / "new");
    EXPECT_EQ(first->path().extension(), ".moescope");
}

TEST_F(Recorded, ATargetBecomesTheGatesThreshold) {
    const Finished run =
        runEngine(record(folder / "a.moescope", {"--max-tokens", "60", "--gate", "adapmoe-pair", "--gate-target-k", "1.5"}));
    ASSERT_EQ(run.exitCode, 0) << run.err;
    EXPECT_THAT(run.err, HasSubstr("1.500 experts per token and layer"));
    EXPECT_THAT(run.err, HasSubstr("one alone in 50.0 %"));
    const auto r = report("a.moescope");
    EXPECT_GT(std::stod(r["settings"]["gate-threshold"].get<std::string>()), 0);
    EXPECT_NEAR(r["mean_experts_per_token_layer"].get<double>(), 1.5, 0.1) << "another text than the calibration's";
    const Finished residency = runEngine(
        record(folder / "b.moescope", {"--max-tokens", "2", "--gate", "adapmoe-residency", "--gate-target-k", "1.5"}));
    EXPECT_THAT(residency.err, HasSubstr("figures of adapmoe-pair"));
    for (const auto& [words, part] : {std::pair<Words, const char*>{{"--gate-target-k", "1.5"}, "drops nothing"},
                                      {{"--gate", "score", "--gate-target-k", "0.5"}, "from 1 to"},
                                      {{"--gate", "score", "--gate-threshold", "1", "--gate-target-k", "1.5"}, "no meaning"}}) {
        const Finished refused = runEngine(record(folder / "c.moescope", words));
        EXPECT_NE(refused.exitCode, 0);
        EXPECT_THAT(refused.err, HasSubstr(part));
    }
}

} // namespace
} // namespace moescope::test

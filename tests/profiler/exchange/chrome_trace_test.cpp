#include "profiler/exchange/chrome_trace.h"

#include "profiler/session/session_writer.h"
#include "tests/profiler/analysis/scripted_run.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace moescope::exchange {
namespace {

using nlohmann::json;
using trace::Phase;
using trace::Stage;
using trace::TransferCause;

class ChromeTrace : public ::testing::Test {
protected:
    ChromeTrace() {
        std::filesystem::create_directories(folder);
        test::ScriptedRun run(2, 4);
        auto info = run.info();
        info->settings[1].second = "pcie4x16";
        session::SessionWriter writer(folder / "s.moescope", *info);
        for (int token = 0; token < 20; ++token)
            addToken(run, token);
        writer.write(run.take());
        for (int token = 20; token < 25; ++token)
            addToken(run, token);
        writer.write(run.take());
        writer.finish(run.now, 0);
    }
    ~ChromeTrace() override { std::filesystem::remove_all(folder); }

    static void addToken(test::ScriptedRun& run, int token) {
        const trace::TimeNs began = run.now;
        for (int layer = 0; layer < 2; ++layer) {
            const trace::TimeNs at = run.now;
            run.hit(token, layer, 0);
            run.miss(token, layer, 1);
            // Overlaps the copy of the other layer: a second row is needed.
            run.transfer(token, layer, 1, TransferCause::Demand, 100, token, 9001);
            run.add(trace::StallSpan{at + 500, at + 900, trace::TokenIndex(token), trace::expertKey(layer, 1),
                                     trace::TransferId(1)});
            run.stage(Stage::Experts, token, 1, at, run.now, Phase::Decode, layer);
        }
        run.stage(Stage::Step, token, 1, began, run.now);
        run.add(trace::TokenEmitted{run.now, trace::TurnIndex(0), trace::TokenIndex(token + 1), 3, 0, 1}, "\"quote\"\n\xff");
    }
    json written(std::int64_t limit = 1'000'000) {
        session::SessionReader reader(folder / "s.moescope");
        result = exportChromeTrace(reader, folder / "trace.json", limit);
        std::ifstream file(folder / "trace.json");
        return json::parse(file);
    }

    std::filesystem::path folder = std::filesystem::temp_directory_path() / ("chrome_trace_" + std::to_string(getpid()));
    ChromeTraceResult result;
};

std::int64_t nsOf(const json& micros) {
    return std::llround(micros.get<double>() * 1000);
}

TEST_F(ChromeTrace, SpansNestWithinEveryLane) {
    const json trace = written();
    std::map<int, std::vector<std::pair<std::int64_t, std::int64_t>>> lanes;
    for (const json& event : trace["traceEvents"])
        if (event["ph"] == "X")
            lanes[event["tid"]].emplace_back(nsOf(event["ts"]), nsOf(event["ts"]) + nsOf(event["dur"]));
    ASSERT_GE(lanes.size(), 3U) << "passes, copies, and a row for copies that overlap";
    for (auto& [tid, spans] : lanes) {
        std::vector<std::int64_t> open;
        for (const auto& [begin, end] : spans) {
            while (!open.empty() && open.back() <= begin)
                open.pop_back();
            ASSERT_TRUE(open.empty() || end <= open.back()) << "lane " << tid << " at " << begin;
            open.push_back(end);
        }
    }
}

TEST_F(ChromeTrace, HoldsWhatTheSessionHolds) {
    const json trace = written();
    EXPECT_EQ(trace["traceEvents"].size(), static_cast<std::size_t>(result.events));
    EXPECT_FALSE(result.truncated);
    std::map<std::string, int> kinds;
    std::int64_t bytes = 0;
    bool emulatedLane = false;
    for (const json& event : trace["traceEvents"]) {
        ++kinds[event["ph"]];
        if (event["ph"] == "X" && event["args"].contains("bytes"))
            bytes += event["args"]["bytes"].get<std::int64_t>();
        if (event["ph"] == "M" && event["name"] == "thread_name")
            emulatedLane |= event["args"]["name"].get<std::string>().find("emulated link") != std::string::npos;
    }
    EXPECT_EQ(kinds["X"], 25 * (1 + 2 + 2 + 2));
    EXPECT_EQ(kinds["i"], 25);
    EXPECT_EQ(kinds["C"], 25 * 2);
    EXPECT_EQ(bytes, 25 * 2 * 100);
    EXPECT_TRUE(emulatedLane);
}

TEST_F(ChromeTrace, StopsAtTheLimitAndSaysSo) {
    const json trace = written(20);
    EXPECT_TRUE(result.truncated);
    EXPECT_GE(trace["traceEvents"].size(), 20U);
}

TEST_F(ChromeTrace, DoesNotOverwrite) {
    written();
    EXPECT_THROW(written(), std::runtime_error);
}

} // namespace
} // namespace moescope::exchange

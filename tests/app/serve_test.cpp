#include "profiler/analysis/snapshot_builder.h"
#include "profiler/session/session_reader.h"
#include "tests/app/engine_program.h"

#include <algorithm>
#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

namespace moescope::test {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr auto kSoon = std::chrono::seconds(90);

/// The window's side of the pipe.
class Client {
public:
    int send(json command) {
        command["id"] = ++m_id;
        engine.write(command.dump() + "\n");
        return m_id;
    }
    /// The first message not yet awaited that has all the given members: notices and acknowledgements come in any order.
    json await(const json& wanted) {
        const auto fits = [&wanted](const json& message) {
            return std::all_of(wanted.items().begin(), wanted.items().end(), [&message](const auto& member) {
                return message.contains(member.key()) && message[member.key()] == member.value();
            });
        };
        for (std::size_t next = 0;; ++next) {
            if (next == m_unread.size()) {
                const auto line = engine.line(kSoon);
                if (!line)
                    break;
                m_unread.push_back(seen.emplace_back(json::parse(*line)));
            }
            if (!fits(m_unread[next]))
                continue;
            const json message = m_unread[next];
            m_unread.erase(m_unread.begin() + static_cast<std::ptrdiff_t>(next));
            return message;
        }
        ADD_FAILURE() << "never came: " << wanted.dump() << "; seen " << json(seen).dump();
        return json::object();
    }
    json ask(const json& command) { return await({{"id", send(command)}}); }
    json load(const std::string& output, const json& settings = json::object(), double maxMb = 0) {
        return ask(
            {{"command", "load"}, {"threads", 1}, {"output", output}, {"settings", settings}, {"max_session_mb", maxMb}});
    }
    json prompt(int tokens) {
        return ask({{"command", "prompt"},
                    {"messages", json::array({{{"role", "user"}, {"text", "Tell me a story about a fox."}}})},
                    {"max_tokens", tokens},
                    {"temperature", 1.5},
                    {"seed", 7}});
    }
    EngineProcess engine{{"serve"}};
    std::vector<json> seen;

private:
    std::vector<json> m_unread;
    int m_id = 0;
};

analysis::SnapshotPtr snapshotOf(const std::string& file) {
    session::SessionReader reader(file);
    reader.refresh();
    analysis::SnapshotBuilder builder(std::make_shared<const session::SessionInfo>(reader.info()));
    while (const auto batch = reader.next())
        builder.add(*batch);
    builder.refreshFigures(true);
    return builder.snapshot();
}

/// Waits until the session that is being written holds at least that many answered tokens.
void awaitTokens(const std::string& file, std::int64_t tokens) {
    for (int i = 0; i < 1500; ++i) {
        if (snapshotOf(file)->summary.tokens >= tokens)
            return;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    FAIL() << "the session never had " << tokens << " tokens";
}

TEST(Serve, AConversationWithASettingInTheMiddle) {
    const TemporaryFolder folder;
    Client client;
    const json hello = client.ask({{"command", "hello"}});
    EXPECT_EQ(hello["ok"], true);
    EXPECT_EQ(hello["protocol"], 1);
    const json loaded = client.load(folder / "a.moescope", {{"cache-experts", 32}, {"gate", "adapmoe"}, {"link", "0.5"}});
    ASSERT_EQ(loaded["ok"], true) << loaded;
    EXPECT_EQ(loaded["session"], folder / "a.moescope");
    EXPECT_EQ(loaded["experts"], 8);
    client.await({{"notice", "ready"}});
    ASSERT_EQ(client.prompt(150)["ok"], true);
    awaitTokens(folder / "a.moescope", 5);
    const json set = client.ask({{"command", "set"}, {"name", "gate-threshold"}, {"value", 0.05}});
    EXPECT_EQ(set["ok"], true) << set;
    EXPECT_EQ(set["value"], "0.05");
    EXPECT_EQ(client.ask({{"command", "set"}, {"name", "gate-threshold"}, {"value", "lots"}})["ok"], false);
    const json target = client.ask({{"command", "set"}, {"name", "gate-target-k"}, {"value", 1.5}});
    EXPECT_EQ(target["ok"], true) << target;
    EXPECT_EQ(target["name"], "gate-threshold");
    EXPECT_NEAR(target["mean_experts"].get<double>(), 1.5, 0.001);
    EXPECT_EQ(client.ask({{"command", "set"}, {"name", "gate-target-k"}, {"value", 0}})["ok"], false);
    const json ended = client.await({{"notice", "answer_ended"}});
    ASSERT_EQ(client.ask({{"command", "quit"}})["ok"], true);
    EXPECT_EQ(client.engine.finish().exitCode, 0);

    const auto s = snapshotOf(folder / "a.moescope");
    EXPECT_EQ(s->summary.tokens, ended["tokens"]);
    EXPECT_EQ(s->summary.eventsLost, 0);
    EXPECT_TRUE(s->info->finished());
    const auto change =
        std::find_if(s->changes.begin(), s->changes.end(), [](const auto& c) { return c.name == "gate-threshold"; });
    ASSERT_NE(change, s->changes.end());
    const int at = change->token.value;
    // The threshold for a mean number of experts is a second change; under it some tokens keep all.
    const auto second = std::find_if(change + 1, s->changes.end(), [](const auto& c) { return c.name == "gate-threshold"; });
    ASSERT_NE(second, s->changes.end());
    ASSERT_GT(at, s->summary.promptTokens);
    ASSERT_LT(static_cast<std::size_t>(at), s->tokens.size()) << "in the middle of the answer";
    for (int token = s->turns[0].firstAnswerToken.value; token + 1 < static_cast<int>(s->tokens.size()); ++token) {
        if (token >= second->token.value)
            break;
        int kept = 0;
        for (int layer = 0; layer < 8; ++layer)
            kept += s->choices[static_cast<std::size_t>(token * 8 + layer)].kept;
        EXPECT_EQ(kept < 16, token >= at) << "token " << token << ", changed at " << at;
        if (token >= at + 20)
            break;
    }
}

TEST(Serve, AnswersWhatItDoesNotUnderstandAndGoesOn) {
    Client client;
    client.engine.write("hello?\n");
    EXPECT_EQ(client.await({{"ok", false}})["id"], nullptr);
    client.engine.write("[1,2]\n{\"id\":\"x\",\"command\":\"hello\"}\n");
    client.await({{"ok", false}});
    client.await({{"ok", false}});
    EXPECT_THAT(client.ask({{"command", "dance"}})["error"].get<std::string>(), HasSubstr("dance"));
    EXPECT_EQ(client.ask({{"command", "prompt"}, {"messages", "hi"}})["ok"], false);
    EXPECT_EQ(client.ask({{"command", "set"}, {"name", "gate"}, {"value", "topk"}})["ok"], false) << "no model yet";
    EXPECT_EQ(client.ask({{"command", "load"}, {"model", "/no/such/model.gguf"}})["ok"], false);
    EXPECT_EQ(client.ask({{"command", "load"}, {"settings", {{"cache", "random"}}}})["ok"], false);
    EXPECT_EQ(client.prompt(3)["ok"], false);
    client.engine.write(std::string((1 << 20) + 10, 'x') + "\n");
    EXPECT_THAT(client.await({{"ok", false}})["error"].get<std::string>(), HasSubstr("longer"));
    EXPECT_EQ(client.ask({{"command", "hello"}})["ok"], true);
    client.engine.closeInput();
    EXPECT_EQ(client.engine.finish().exitCode, 0);
}

TEST(Serve, StopPauseAndANewSession) {
    const TemporaryFolder folder;
    Client client;
    ASSERT_EQ(client.load(folder / "one.moescope", {{"cache-experts", 16}, {"link", "0.2"}})["ok"], true);
    ASSERT_EQ(client.prompt(5000)["ok"], true);
    awaitTokens(folder / "one.moescope", 3);
    EXPECT_EQ(client.prompt(5)["ok"], false) << "one answer at a time";
    EXPECT_EQ(client.ask({{"command", "pause"}})["ok"], true);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const auto paused = snapshotOf(folder / "one.moescope")->summary.tokens;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    EXPECT_EQ(snapshotOf(folder / "one.moescope")->summary.tokens, paused);
    EXPECT_EQ(client.ask({{"command", "resume"}})["ok"], true);
    awaitTokens(folder / "one.moescope", paused + 2);
    EXPECT_EQ(client.ask({{"command", "stop"}})["ok"], true);
    EXPECT_EQ(client.await({{"notice", "answer_ended"}})["reason"], "requested");
    EXPECT_EQ(client.ask({{"command", "set"}, {"name", "cache"}, {"value", "lfu"}})["ok"], true);
    const json second = client.ask({{"command", "new_session"}, {"output", folder / "two.moescope"}});
    EXPECT_EQ(second["session"], folder / "two.moescope");
    ASSERT_EQ(client.prompt(4)["ok"], true);
    EXPECT_EQ(client.await({{"notice", "answer_ended"}})["tokens"], 4);
    client.engine.closeInput();
    EXPECT_EQ(client.engine.finish().exitCode, 0);
    const auto one = snapshotOf(folder / "one.moescope");
    const auto two = snapshotOf(folder / "two.moescope");
    EXPECT_TRUE(one->info->finished());
    EXPECT_TRUE(two->info->finished());
    EXPECT_EQ(one->turns[0].reason, trace::EndReason::Requested);
    EXPECT_EQ(two->turns.size(), 1U);
    EXPECT_THAT(two->settings, Contains(std::pair<std::string, std::string>("cache", "lfu"))) << "what was set stays set";
}

TEST(Serve, AStopSentWithThePromptIsNotForgotten) {
    const TemporaryFolder folder;
    Client client;
    ASSERT_EQ(client.load(folder / "s.moescope", {{"cache-experts", 16}, {"link", "0.2"}})["ok"], true);
    for (int round = 0; round < 5; ++round) {
        client.send({{"command", "prompt"}, {"raw", "Once"}, {"max_tokens", 100000}, {"temperature", 1.5}});
        ASSERT_EQ(client.ask({{"command", "stop"}})["ok"], true);
        EXPECT_EQ(client.await({{"notice", "answer_ended"}})["reason"], "requested");
    }
}

TEST(Serve, TheEndOfInputInTheMiddleOfAnAnswerFinishesTheSession) {
    const TemporaryFolder folder;
    Client client;
    ASSERT_EQ(client.load(folder / "e.moescope", {{"cache-experts", 16}, {"link", "0.2"}})["ok"], true);
    ASSERT_EQ(client.prompt(5000)["ok"], true);
    awaitTokens(folder / "e.moescope", 2);
    client.engine.closeInput();
    EXPECT_EQ(client.engine.finish().exitCode, 0);
    EXPECT_TRUE(snapshotOf(folder / "e.moescope")->info->finished());
}

TEST(Serve, AKilledRunLeavesAReadableSession) {
    const TemporaryFolder folder;
    for (int round = 0; round < 3; ++round) {
        const std::string file = folder / (std::to_string(round) + ".moescope");
        {
            Client client;
            ASSERT_EQ(client.load(file, {{"cache-experts", 16}})["ok"], true);
            ASSERT_EQ(client.prompt(5000)["ok"], true);
            awaitTokens(file, 2 + 7 * round);
            client.engine.signal(SIGKILL);
            EXPECT_EQ(client.engine.finish().exitCode, 128 + SIGKILL);
        }
        const auto s = snapshotOf(file);
        EXPECT_GE(s->summary.tokens, 2 + 7 * round);
        EXPECT_FALSE(s->info->finished());
        EXPECT_EQ(runEngine({"verify", file}).exitCode, 0);
        EXPECT_EQ(runEngine({"report", file}).exitCode, 0);
    }
}

TEST(Serve, AFullDiskPausesTheRunUntilThereIsAnotherFolder) {
    const TemporaryFolder folder;
    std::filesystem::create_directories(folder / "elsewhere");
    Client client;
    ASSERT_EQ(client.load(folder / "f.moescope", {{"cache-experts", 16}, {"link", "2"}}, 0.4)["ok"], true);
    ASSERT_EQ(client.ask({{"command", "set"}, {"name", "cache"}, {"value", "lfu"}})["ok"], true);
    ASSERT_EQ(client.prompt(1000)["ok"], true);
    const json paused = client.await({{"notice", "recording_paused"}});
    EXPECT_THAT(paused["reason"].get<std::string>(), HasSubstr("no room left"));
    const json refused = client.ask({{"command", "relocate"}, {"folder", "/proc/nowhere"}});
    EXPECT_EQ(refused["ok"], false);
    const json moved = client.ask({{"command", "relocate"}, {"folder", folder / "elsewhere"}});
    ASSERT_EQ(moved["ok"], true) << moved;
    const std::string second = moved["session"];
    EXPECT_THAT(second, HasSubstr("elsewhere"));
    awaitTokens(second, 3);
    const auto resumed = [](const json& message) { return message.value("notice", "") == "recording_resumed"; };
    EXPECT_TRUE(std::any_of(client.seen.begin(), client.seen.end(), resumed));
    EXPECT_EQ(client.ask({{"command", "stop"}})["ok"], true);
    client.await({{"notice", "answer_ended"}});
    client.engine.closeInput();
    EXPECT_EQ(client.engine.finish().exitCode, 0);
    EXPECT_EQ(runEngine({"verify", folder / "f.moescope"}).exitCode, 0);
    EXPECT_EQ(runEngine({"verify", second}).exitCode, 0);
    EXPECT_GT(snapshotOf(folder / "f.moescope")->summary.tokens, 0);
    const auto rest = snapshotOf(second);
    EXPECT_EQ(rest->info->continues, snapshotOf(folder / "f.moescope")->info->id);
    EXPECT_EQ(rest->slotsTotal, 16) << "the new file says what is in force";
    EXPECT_THAT(rest->settings, Contains(std::pair<std::string, std::string>("cache", "lfu")));
    EXPECT_GE(rest->summary.optimumHitRate, 0);
}

TEST(Serve, SigtermIsLikeQuit) {
    const TemporaryFolder folder;
    Client client;
    ASSERT_EQ(client.load(folder / "t.moescope")["ok"], true);
    client.engine.signal(SIGTERM);
    EXPECT_EQ(client.engine.finish().exitCode, 0);
    EXPECT_TRUE(snapshotOf(folder / "t.moescope")->info->finished());
}

} // namespace
} // namespace moescope::test

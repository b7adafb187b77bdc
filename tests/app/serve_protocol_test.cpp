#include "app/serve_protocol.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace moescope::app {
namespace {

TEST(ServeProtocol, CommandsSurviveThePipe) {
    PromptCommand prompt;
    prompt.messages = {{"system", "Be brief."}, {"user", "Say \"hi\"\nto me \xf0\x9f\xa6\x8a"}};
    prompt.maxTokens = 12;
    prompt.temperature = 0.25;
    prompt.seed = 18446744073709551615ULL;
    prompt.stop = {"\n\n", "END"};
    const Request back = parseRequest(formatRequest({41, prompt}));
    EXPECT_EQ(back.id, 41);
    const auto& got = std::get<PromptCommand>(back.command);
    ASSERT_EQ(got.messages.size(), 2U);
    EXPECT_EQ(got.messages[1].text, prompt.messages[1].text);
    EXPECT_EQ(got.maxTokens, 12);
    EXPECT_EQ(got.temperature, 0.25);
    EXPECT_EQ(got.seed, prompt.seed);
    EXPECT_EQ(got.stop, prompt.stop);
    EXPECT_FALSE(got.raw.has_value());

    LoadCommand load;
    load.model = "/m.gguf";
    load.threads = 3;
    load.settings = {{"cache-experts", "32"}, {"link", "pcie4x16"}};
    load.output = "/tmp/x/";
    const auto loaded = std::get<LoadCommand>(parseRequest(formatRequest({1, load})).command);
    EXPECT_EQ(loaded.model, load.model);
    EXPECT_EQ(loaded.threads, 3);
    EXPECT_EQ(loaded.settings, load.settings);
    EXPECT_EQ(loaded.output, load.output);

    const std::vector<Command> rest{HelloCommand{}, StopCommand{},   SetCommand{"gate", "topk"}, NewSessionCommand{"/tmp"},
                                    PauseCommand{}, ResumeCommand{}, RelocateCommand{"/mnt"},    QuitCommand{}};
    for (const Command& command : rest)
        EXPECT_EQ(commandName(parseRequest(formatRequest({5, command})).command), commandName(command));
}

TEST(ServeProtocol, MessagesSurviveThePipe) {
    const Values values{
        {"session", std::string("/a b.moescope")}, {"layers", std::int64_t{8}}, {"synthetic", false}, {"x", 0.5}};
    const auto reply = std::get<Reply>(parseMessage(formatMessage(Reply{7, true, {}, values})));
    EXPECT_EQ(reply.id, 7);
    EXPECT_TRUE(reply.ok);
    EXPECT_EQ(valueText(reply.values, "session"), "/a b.moescope");
    EXPECT_EQ(valueText(reply.values, "layers"), "8");
    EXPECT_EQ(valueText(reply.values, "synthetic"), "false");
    EXPECT_EQ(valueText(reply.values, "none"), "");
    const auto error = std::get<Reply>(parseMessage(formatMessage(Reply{{}, false, "No.", {}})));
    EXPECT_FALSE(error.id.has_value());
    EXPECT_FALSE(error.ok);
    EXPECT_EQ(error.error, "No.");
    const auto notice = std::get<Notice>(parseMessage(formatMessage(Notice{"failed", {{"error", std::string("x")}}})));
    EXPECT_EQ(notice.name, "failed");
    EXPECT_EQ(valueText(notice.values, "error"), "x");
}

TEST(ServeProtocol, WrongLinesAreNamed) {
    for (const char* line :
         {"", "nonsense", "[]", "3", "{\"id\":1}", "{\"command\":\"hello\"}", "{\"id\":1,\"command\":7}",
          "{\"id\":1,\"command\":\"fly\"}", "{\"id\":1,\"command\":\"set\",\"name\":\"gate\"}",
          "{\"id\":1,\"command\":\"set\",\"name\":3,\"value\":\"x\"}", "{\"id\":1,\"command\":\"prompt\"}",
          "{\"id\":1,\"command\":\"prompt\",\"raw\":5}", "{\"id\":1,\"command\":\"prompt\",\"raw\":\"x\",\"max_tokens\":-1}",
          "{\"id\":1,\"command\":\"prompt\",\"raw\":\"x\",\"max_tokens\":1e300}",
          "{\"id\":1,\"command\":\"prompt\",\"raw\":\"x\",\"seed\":-4}",
          "{\"id\":1,\"command\":\"prompt\",\"raw\":\"x\",\"stop\":\"y\"}",
          "{\"id\":1,\"command\":\"prompt\",\"messages\":[{\"role\":\"cat\",\"text\":\"x\"}]}",
          "{\"id\":1,\"command\":\"load\",\"settings\":[]}", "{\"id\":1,\"command\":\"relocate\"}"})
        EXPECT_THROW(parseRequest(line), ProtocolError) << line;
    try {
        parseRequest("{\"id\":9,\"command\":\"fly\"}");
        FAIL();
    } catch (const ProtocolError& e) {
        EXPECT_EQ(e.id, 9);
    }
    EXPECT_THROW(parseMessage("{}"), ProtocolError);
    EXPECT_THROW(parseRequest(std::string(kMaxLineBytes + 1, ' ')), ProtocolError);
}

TEST(ServeProtocol, BrokenTextIsRepaired) {
    const std::string line = formatMessage(Notice{"failed", {{"error", std::string("\xff")}}});
    EXPECT_NO_THROW(nlohmann::json::parse(line));
}

} // namespace
} // namespace moescope::app

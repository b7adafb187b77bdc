#include "profiler/analysis/answer_split.h"

#include <gtest/gtest.h>

namespace moescope::analysis {
namespace {

/// One turn whose answer is made of these pieces, a token each, behind three tokens of the prompt.
Snapshot talk(const std::vector<std::string>& pieces, bool ended) {
    Snapshot snapshot;
    for (int i = 0; i < 3; ++i)
        snapshot.tokens.push({});
    TurnRecord turn;
    turn.firstAnswerToken = trace::TokenIndex(3);
    turn.answerTokens = static_cast<std::int32_t>(pieces.size());
    turn.ended = ended ? 1 : -1;
    for (const std::string& piece : pieces) {
        TokenRecord token;
        token.text = piece;
        snapshot.tokens.push(token);
        turn.answer += piece;
    }
    snapshot.turns.push_back(turn);
    return snapshot;
}

AnswerSplit splitOf(const Snapshot& snapshot) {
    return splitAnswer(snapshot, snapshot.turns.front());
}

TEST(AnswerSplit, CountsTheTokensOfThoughts) {
    const AnswerSplit split = splitOf(talk({"<think>", "hm", "</think>", "Hi", " there"}, true));
    EXPECT_EQ(split.reasoning, "hm");
    EXPECT_EQ(split.said, "Hi there");
    EXPECT_EQ(split.hiddenTokens, 3);
    EXPECT_EQ(split.hiddenBytes, std::string("<think>hm</think>").size());
    EXPECT_FALSE(split.thinking);
}

TEST(AnswerSplit, LeavesPlainAnswersWhole) {
    const AnswerSplit split = splitOf(talk({"A", " <", " b"}, true));
    EXPECT_EQ(split.said, "A < b");
    EXPECT_EQ(split.hiddenTokens, 0);
    EXPECT_EQ(splitOf(Snapshot(talk({}, true))).said, "");
}

TEST(AnswerSplit, ThinksUntilItSaysSomething) {
    EXPECT_TRUE(splitOf(talk({"<think>", "hm"}, false)).thinking);
    const AnswerSplit cut = splitOf(talk({"<think>", "hm"}, true));
    EXPECT_FALSE(cut.thinking) << "it was stopped";
    EXPECT_EQ(cut.reasoning, "hm");
    EXPECT_EQ(cut.hiddenTokens, 2);
}

TEST(AnswerSplit, BeginsAsAThoughtWhereTheSessionSaysSo) {
    Snapshot snapshot = talk({"hm", "</think>", "Hi"}, true);
    EXPECT_EQ(splitOf(snapshot).reasoning, "") << "no facts, no guess";
    auto info = std::make_shared<session::SessionInfo>();
    info->settings = {{"chat-opens-thinking", "on"}};
    snapshot.info = info;
    EXPECT_EQ(splitOf(snapshot).reasoning, "hm");
    EXPECT_EQ(splitOf(snapshot).said, "Hi");
}

} // namespace
} // namespace moescope::analysis

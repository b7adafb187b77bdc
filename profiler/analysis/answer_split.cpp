#include "profiler/analysis/answer_split.h"

#include "engine/model/answer_parts.h"

#include <algorithm>

namespace moescope::analysis {
namespace {

bool answersBeginAsThoughts(const Snapshot& snapshot) {
    if (!snapshot.info)
        return false;
    const auto& settings = snapshot.info->settings;
    return std::find(settings.begin(), settings.end(), std::pair<std::string, std::string>("chat-opens-thinking", "on")) !=
           settings.end();
}

int tokensWithin(const Snapshot& snapshot, const TurnRecord& turn, std::size_t bytes) {
    int count = 0;
    std::size_t end = 0;
    if (!turn.firstAnswerToken.valid())
        return 0;
    for (auto at = static_cast<std::size_t>(turn.firstAnswerToken.value);
         count < turn.answerTokens && at < snapshot.tokens.size(); ++at, ++count) {
        end += snapshot.tokens[at].text.size();
        if (end > bytes)
            break;
    }
    return count;
}

} // namespace

AnswerSplit splitAnswer(const Snapshot& snapshot, const TurnRecord& turn) {
    model::AnswerParts parts(answersBeginAsThoughts(snapshot));
    parts.push(turn.answer);
    const bool thinking = parts.thinking() && turn.ended < 0;
    if (turn.ended >= 0)
        parts.finish();
    AnswerSplit split{.reasoning = parts.reasoning(), .said = parts.answer(), .thinking = thinking};
    // What is held back because it may become a mark counts as hidden until it is known.
    split.hiddenBytes = turn.answer.size() - std::min(turn.answer.size(), split.said.size());
    if (split.hiddenBytes > 0)
        split.hiddenTokens = tokensWithin(snapshot, turn, split.hiddenBytes);
    return split;
}

} // namespace moescope::analysis

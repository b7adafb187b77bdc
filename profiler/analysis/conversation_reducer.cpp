#include "profiler/analysis/conversation_reducer.h"

#include "profiler/analysis/reducer_limits.h"

#include <algorithm>
#include <cmath>

namespace moescope::analysis {
namespace {

constexpr double kNsPerMs = 1e6;
constexpr double kNsPerSecond = 1e9;

/// Puts the record at its index; positions whose events were lost stay empty.
void place(Snapshot& s, trace::TokenIndex token, TokenRecord record) {
    const auto index = static_cast<std::size_t>(token.value);
    while (s.tokens.size() < index)
        s.tokens.push({});
    if (index == s.tokens.size()) {
        s.tokens.push(std::move(record));
    } else {
        record.pass = s.tokens[index].pass;
        s.tokens.replace(index, std::move(record));
    }
}

/// Nearest-rank percentile; reorders values.
double percentile(std::vector<float>& values, double share) {
    if (values.empty())
        return 0;
    const auto rank = static_cast<std::ptrdiff_t>(std::lround(share * static_cast<double>(values.size() - 1)));
    std::nth_element(values.begin(), values.begin() + rank, values.end());
    return static_cast<double>(values[static_cast<std::size_t>(rank)]);
}

double median(std::vector<float> values) {
    if (values.empty())
        return 0;
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    const auto at = [&](std::size_t i) { return static_cast<double>(values[i]); };
    return values.size() % 2 == 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
}

} // namespace

TurnRecord& ConversationReducer::currentTurn(trace::TurnIndex turn, Snapshot& s) {
    // A turn whose beginning was lost still gets its record.
    if (s.turns.empty() || s.turns.back().turn != turn) {
        s.turns.push_back({});
        s.turns.back().turn = turn;
        m_sums.push_back({});
    }
    return s.turns.back();
}

void ConversationReducer::on(const trace::PromptBegan& e, trace::Payload payload, Snapshot& s) {
    TurnRecord& turn = currentTurn(e.turn, s);
    turn.prompt = trace::asText(payload);
    turn.firstToken = e.firstToken;
    turn.promptTokens = e.promptTokens;
    turn.contextUsed = e.reusedTokens;
    turn.contextTokens = e.contextTokens;
    turn.began = e.at;
}

void ConversationReducer::on(const trace::TokenPrompted& e, trace::Payload payload, Snapshot& s) {
    ++s.summary.promptTokens;
    TurnRecord& turn = currentTurn(e.turn, s);
    ++turn.contextUsed;
    if (!plausible(e.token, s.tokens.size()))
        return;
    TokenRecord record;
    record.tokenId = e.tokenId;
    record.turn = e.turn;
    record.role = TokenRole::Prompt;
    record.text = trace::asText(payload);
    record.at = e.at;
    record.contextUsed = turn.contextUsed;
    place(s, e.token, std::move(record));
}

void ConversationReducer::on(const trace::TokenEmitted& e, trace::Payload payload, Snapshot& s) {
    ++s.summary.tokens;
    TurnRecord& turn = currentTurn(e.turn, s);
    TurnSums& sums = m_sums.back();
    const std::string_view text = trace::asText(payload);
    turn.answer += text;
    turn.contextUsed = e.contextUsed;
    ++turn.answerTokens;
    if (turn.firstTokenAt < 0) {
        turn.firstTokenAt = e.at;
        turn.firstAnswerToken = e.token;
        m_ttftMs.push_back(static_cast<float>(static_cast<double>(e.at - turn.began) / kNsPerMs));
    } else {
        const trace::TimeNs gap = e.at - sums.lastTokenAt;
        m_tokenMs.push_back(static_cast<float>(static_cast<double>(gap) / kNsPerMs));
        m_decodeNs += gap;
        ++m_decodeTokens;
        const auto spent = static_cast<double>(e.at - turn.firstTokenAt) / kNsPerSecond;
        turn.decodeTokensPerSecond = spent > 0 ? (turn.answerTokens - 1) / spent : 0;
    }
    sums.lastTokenAt = e.at;
    if (!plausible(e.token, s.tokens.size()))
        return;
    TokenRecord record;
    record.tokenId = e.tokenId;
    record.turn = e.turn;
    record.text = text;
    record.at = e.at;
    record.logProbability = e.logProbability;
    record.contextUsed = e.contextUsed;
    place(s, e.token, std::move(record));
}

void ConversationReducer::on(const trace::AnswerEnded& e, trace::Payload, Snapshot& s) {
    TurnRecord& turn = currentTurn(e.turn, s);
    turn.ended = e.at;
    turn.reason = e.reason;
}

void ConversationReducer::on(const trace::ExpertsChosen& e, trace::Payload, Snapshot& s) {
    if (s.turns.empty() || e.phase != trace::Phase::Decode)
        return;
    TurnSums& sums = m_sums.back();
    ++sums.decisions;
    sums.kept += e.kept;
    s.turns.back().meanKept = static_cast<float>(static_cast<double>(sums.kept) / static_cast<double>(sums.decisions));
}

void ConversationReducer::on(const trace::TransferSpan& e, trace::Payload, Snapshot& s) {
    if (!e.token.valid())
        return;
    const auto owner =
        std::find_if(s.turns.rbegin(), s.turns.rend(), [&](const TurnRecord& turn) { return turn.firstToken <= e.token; });
    if (owner != s.turns.rend())
        owner->bytesMoved += e.bytes;
}

void ConversationReducer::derive(Summary& summary) const {
    const double seconds = static_cast<double>(m_decodeNs) / kNsPerSecond;
    summary.decodeTokensPerSecond = seconds > 0 ? static_cast<double>(m_decodeTokens) / seconds : 0;
    summary.ttftMs = median(m_ttftMs);
}

void ConversationReducer::derivePercentiles(Summary& summary, bool thorough) const {
    constexpr std::size_t kCheap = 4096;
    if (!thorough && m_tokenMs.size() > kCheap)
        return;
    std::vector<float> values = m_tokenMs;
    summary.tpotP50Ms = percentile(values, 0.50);
    summary.tpotP95Ms = percentile(values, 0.95);
}

} // namespace moescope::analysis

#include "tests/support/event_script.h"

#include "engine/trace/routing_payload.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace moescope::test {
namespace {

using namespace trace;

/// The words of one statement; quoted text is one word.
class Words {
public:
    explicit Words(std::string_view statement) : m_statement(statement) {
        std::size_t at = 0;
        while ((at = statement.find_first_not_of(" \t\r", at)) != std::string_view::npos) {
            const bool quoted = statement[at] == '"';
            const std::size_t from = quoted ? at + 1 : at;
            const std::size_t end = std::min(statement.find_first_of(quoted ? "\"" : " \t\r", from), statement.size());
            m_words.push_back(statement.substr(from, end - from));
            at = std::min(end + (quoted ? 1u : 0u), statement.size());
        }
    }
    bool empty() const { return m_next >= m_words.size(); }
    std::string_view peek() const { return empty() ? std::string_view{} : m_words[m_next]; }
    std::string_view take() {
        if (empty())
            fail();
        return m_words[m_next++];
    }
    bool takeIf(std::string_view word) {
        const bool there = peek() == word;
        m_next += there ? 1 : 0;
        return there;
    }
    template <class T>
    T number(std::string_view text) const {
        T value{};
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size())
            fail();
        return value;
    }
    int integer() { return number<int>(take()); }
    template <class T>
    std::vector<T> list() {
        std::vector<T> values;
        std::string_view text = take();
        for (std::size_t comma = 0; comma != std::string_view::npos;
             text.remove_prefix(comma == std::string_view::npos ? 0 : comma + 1)) {
            comma = text.find(',');
            values.push_back(number<T>(text.substr(0, comma)));
        }
        return values;
    }
    std::pair<TimeNs, TimeNs> span() {
        const std::string_view text = take();
        const std::size_t dots = text.find("..");
        if (dots == std::string_view::npos)
            fail();
        return {1000 * number<TimeNs>(text.substr(0, dots)), 1000 * number<TimeNs>(text.substr(dots + 2))};
    }
    [[noreturn]] void fail() const {
        throw std::invalid_argument("event script: cannot read \"" + std::string(m_statement) + "\"");
    }

private:
    std::string_view m_statement;
    std::vector<std::string_view> m_words;
    std::size_t m_next = 0;
};

class Story {
public:
    explicit Story(std::int64_t firstSeq) : m_seq(firstSeq) {}

    void tell(std::string_view statement) {
        Words words(statement);
        if (words.peek().size() > 1 && words.peek()[0] == 'L')
            m_layer = words.number<int>(words.take().substr(1));
        if (words.empty())
            return;
        const std::string_view verb = words.take();
        const bool known = tellScene(verb, words) || tellText(verb, words) || tellExpert(verb, words) || tellSpan(verb, words);
        if (!known || !words.empty())
            words.fail();
    }
    session::Batch finish() {
        m_batch.number = 1;
        m_batch.committedAt = m_now;
        for (const session::Record& record : m_batch.records)
            m_batch.committedAt = std::max(m_batch.committedAt, timeOf(record.event));
        return std::move(m_batch);
    }

private:
    void put(const Event& event, Payload payload = {}) {
        m_batch.append(m_seq++, event, payload);
        m_now += 1000;
    }
    ExpertKey key(Words& words) const { return expertKey(m_layer, words.integer()); }
    TransferId transfer(Words& words) const { return words.takeIf("as") ? TransferId(words.integer()) : TransferId(); }

    bool tellScene(std::string_view verb, Words& words) {
        if (verb == "at")
            m_now = 1000 * words.number<TimeNs>(words.take());
        else if (verb == "token")
            m_token = TokenIndex(words.integer());
        else if (verb == "experts" && words.peek().find("..") == std::string_view::npos)
            m_experts = words.integer();
        else if (verb == "prefill")
            m_phase = Phase::Prefill;
        else if (verb == "decode")
            m_phase = Phase::Decode;
        else
            return false;
        return true;
    }

    bool tellText(std::string_view verb, Words& words) {
        if (verb == "prompt") {
            const std::string_view text = words.take();
            m_promptAt = m_now;
            m_emitted = 0;
            put(PromptBegan{m_now, TurnIndex(++m_turn), TokenIndex(m_nextToken), words.integer(), 0, 512}, asPayload(text));
        } else if (verb == "prompted") {
            const int id = words.integer();
            put(TokenPrompted{m_now, TurnIndex(m_turn), TokenIndex(m_nextToken++), id}, asPayload(words.take()));
        } else if (verb == "emit") {
            TokenEmitted event{m_now, TurnIndex(m_turn), TokenIndex(m_nextToken++), words.integer(), -1.0F, m_nextToken};
            const std::string_view text = words.take();
            if (words.takeIf("p"))
                event.logProbability = std::stof(std::string(words.take()));
            ++m_emitted;
            put(event, asPayload(text));
        } else if (verb == "end") {
            static const std::map<std::string_view, EndReason> reasons = {
                {"", EndReason::EndOfText},       {"stop", EndReason::StopString},     {"limit", EndReason::TokenLimit},
                {"full", EndReason::ContextFull}, {"requested", EndReason::Requested}, {"failed", EndReason::Failed}};
            const auto reason = reasons.find(words.empty() ? std::string_view{} : words.take());
            if (reason == reasons.end())
                words.fail();
            put(AnswerEnded{m_now, TurnIndex(m_turn), reason->second, m_emitted, m_promptAt});
        } else if (verb == "setting") {
            std::string text(words.take());
            for (int value = 0; value < 2; ++value) {
                text.push_back('\0');
                text += words.take();
            }
            put(SettingChanged{m_now, m_token}, asPayload(text));
        } else if (verb == "note") {
            put(NoteMade{m_now, m_token}, asPayload(words.take()));
        } else if (verb == "fail") {
            put(RunFailed{m_now}, asPayload(words.take()));
        } else {
            return false;
        }
        return true;
    }

    bool tellExpert(std::string_view verb, Words& words) {
        if (verb == "picks") {
            picks(words);
        } else if (verb == "hit") {
            put(ExpertHit{m_now, m_token, key(words)});
        } else if (verb == "miss") {
            const ExpertKey missed = key(words);
            put(ExpertMissed{m_now, m_token, missed, words.takeIf("in") && words.takeIf("flight")});
        } else if (verb == "evict") {
            ExpertEvicted event{m_now, m_token, key(words), EvictionCause::Demand, {}};
            if (words.takeIf("for"))
                event.replacedBy = key(words);
            if (words.takeIf("by"))
                event.cause = words.takeIf("demand")     ? EvictionCause::Demand
                              : words.takeIf("prefetch") ? EvictionCause::Prefetch
                              : words.takeIf("budget")   ? EvictionCause::Budget
                                                         : throw std::invalid_argument("event script: evicted by whom?");
            put(event);
        } else if (verb == "prefetch") {
            const ExpertKey wished = key(words);
            put(PrefetchIssued{m_now, m_token, wished, transfer(words), 1, 0.5F});
        } else if (verb == "used" || verb == "wasted") {
            const ExpertKey fetched = key(words);
            put(PrefetchResolved{m_now, m_token, fetched, transfer(words), verb == "used"});
        } else if (verb == "slots") {
            put(SlotsAllocated{m_now, Layer(m_layer), words.integer()});
        } else if (verb == "lost") {
            put(EventsLost{m_now, words.integer()});
        } else {
            return false;
        }
        return true;
    }

    void picks(Words& words) {
        const auto ids = words.list<std::uint16_t>();
        std::vector<float> weights(ids.size(), 1.0F / static_cast<float>(ids.size()));
        std::size_t kept = ids.size();
        if (words.takeIf("keeps"))
            kept = static_cast<std::size_t>(words.integer());
        if (words.takeIf("weights"))
            weights = words.list<float>();
        if (weights.size() != ids.size() || kept > ids.size())
            words.fail();
        ExpertsChosen event{m_now,
                            m_token,
                            Layer(m_layer),
                            m_phase,
                            static_cast<std::uint8_t>(ids.size()),
                            static_cast<std::uint8_t>(kept),
                            0,
                            static_cast<std::uint16_t>(m_experts)};
        std::vector<float> gate(static_cast<std::size_t>(m_experts));
        for (std::size_t i = 0; i < ids.size(); ++i)
            gate.at(ids[i]) = weights[i];
        std::vector<std::byte> payload(routingPayloadBytes(event));
        encodeRouting(event, ids, weights, gate, {}, payload);
        put(event, payload);
    }

    bool tellSpan(std::string_view verb, Words& words) {
        static const std::map<std::string_view, Stage> stages = {
            {"step", Stage::Step},       {"embed", Stage::Embed},   {"attention", Stage::Attention}, {"router", Stage::Router},
            {"experts", Stage::Experts}, {"output", Stage::Output}, {"sample", Stage::Sample}};
        if (const auto stage = stages.find(verb); stage != stages.end()) {
            const auto [begin, end] = words.span();
            const bool inLayer = stage->second >= Stage::Attention && stage->second <= Stage::Experts;
            const int tokens = words.takeIf("tokens") ? words.integer() : 1;
            put(StageSpan{begin, end, m_token, tokens, inLayer ? Layer(m_layer) : Layer(), stage->second, m_phase});
        } else if (verb == "stall") {
            const ExpertKey waited = key(words);
            const TransferId id = transfer(words);
            const auto [begin, end] = words.span();
            put(StallSpan{begin, end, m_token, waited, id});
        } else if (verb == "copy") {
            copy(words);
        } else {
            return false;
        }
        return true;
    }

    void copy(Words& words) {
        TransferSpan span;
        span.token = m_token;
        span.key = key(words);
        span.transfer = transfer(words);
        std::tie(span.begin, span.end) = words.span();
        span.queuedAt = span.begin;
        span.bytes = 1000;
        while (!words.empty()) {
            const std::string_view word = words.take();
            if (word == "demand")
                span.cause = TransferCause::Demand;
            else if (word == "prefetch")
                span.cause = TransferCause::Prefetch;
            else if (word == "allocation")
                span.cause = TransferCause::Allocation;
            else if (word == "queued")
                span.queuedAt = 1000 * words.number<TimeNs>(words.take());
            else if (word == "bytes")
                span.bytes = words.number<std::int64_t>(words.take());
            else if (word == "cancelled")
                span.outcome = TransferOutcome::Cancelled;
            else if (word == "emulated")
                span.emulated = true;
            else
                words.fail();
        }
        put(span);
    }

    session::Batch m_batch;
    std::int64_t m_seq;
    TimeNs m_now = 0;
    TimeNs m_promptAt = 0;
    TokenIndex m_token{0};
    Phase m_phase = Phase::Decode;
    int m_layer = 0;
    int m_experts = 8;
    int m_turn = -1;
    int m_nextToken = 0;
    int m_emitted = 0;
};

} // namespace

session::Batch eventScript(std::string_view script, std::int64_t firstSeq) {
    Story story(firstSeq);
    std::size_t from = 0;
    bool quoted = false;
    for (std::size_t at = 0; at <= script.size(); ++at) {
        if (at < script.size() && script[at] == '"')
            quoted = !quoted;
        if (at == script.size() || (!quoted && (script[at] == ';' || script[at] == '\n'))) {
            story.tell(script.substr(from, at - from));
            from = at + 1;
        }
    }
    return story.finish();
}

} // namespace moescope::test

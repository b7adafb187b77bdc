#include "engine/runtime/generator.h"

#include <algorithm>
#include <fmt/core.h>

namespace moescope::runtime {

using trace::EndReason;
using trace::Phase;

namespace {

model::ChatRole roleOf(ChatMessage::Role role) {
    switch (role) {
    case ChatMessage::Role::System:
        return model::ChatRole::System;
    case ChatMessage::Role::Assistant:
        return model::ChatRole::Assistant;
    case ChatMessage::Role::User:
        break;
    }
    return model::ChatRole::User;
}

std::size_t commonPrefix(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
    return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

} // namespace

Generator::Generator(EngineState& engine, const GenerationRequest& request)
    : m_engine(engine), m_request(request), m_sampler(request.sampling), m_text(request.stop, !request.raw.has_value()),
      m_turn(engine.nextTurn) {
    engine.nextTurn = trace::TurnIndex(m_turn.value + 1);
}

std::vector<std::int32_t> Generator::renderedTokens() const {
    const model::Tokenizer& tokenizer = *m_engine.tokenizer;
    if (m_request.raw)
        return tokenizer.encode(*m_request.raw, tokenizer.addBos(), true);
    std::vector<model::ChatPart> parts;
    for (const ChatMessage& message : m_request.messages)
        parts.push_back({roleOf(message.role), message.text});
    const bool addBos = tokenizer.addBos() || m_engine.chatForm->facts().wantsBos;
    return tokenizer.encode(m_engine.chatForm->render(parts), addBos, true);
}

std::string_view Generator::question() const {
    if (m_request.raw)
        return *m_request.raw;
    return m_request.messages.empty() ? std::string_view() : std::string_view(m_request.messages.back().text);
}

Answer Generator::run() {
    const std::vector<std::int32_t> tokens = renderedTokens();
    if (tokens.size() > static_cast<std::size_t>(m_engine.config.contextTokens))
        return refuse(tokens.size());
    if (tokens.empty()) {
        begin(0, 0);
        return end(EndReason::Failed, "There is nothing to read: the prompt is empty.");
    }
    // The last token is always read again, because its logits are needed.
    const std::size_t reused = std::min(commonPrefix(m_engine.context, tokens), tokens.size() - 1);
    m_engine.context.resize(reused);
    m_engine.backend->truncate(static_cast<int>(reused));
    m_engine.tier.supply().beginSequence();
    begin(tokens.size(), reused);
    if (readPrompt(std::span(tokens).subspan(reused)))
        generate();
    return end(m_end.value_or(EndReason::Requested), {});
}

Answer Generator::refuse(std::size_t tokens) {
    begin(tokens, 0);
    const std::string sentence =
        fmt::format("The prompt has {} tokens, and the model's context holds {}; shorten it or start a new conversation.",
                    tokens, m_engine.config.contextTokens);
    note(sentence);
    return end(EndReason::ContextFull, sentence);
}

void Generator::begin(std::size_t tokens, std::size_t reused) {
    m_beganAt = m_engine.clock.now();
    m_engine.tracer.emit(trace::PromptBegan{.at = m_beganAt,
                                            .turn = m_turn,
                                            .firstToken = m_engine.nextToken,
                                            .promptTokens = static_cast<std::int32_t>(tokens - reused),
                                            .reusedTokens = static_cast<std::int32_t>(reused),
                                            .contextTokens = m_engine.config.contextTokens},
                         trace::asPayload(question()));
}

bool Generator::readPrompt(std::span<const std::int32_t> tokens) {
    const auto most = static_cast<std::size_t>(m_engine.maxPassTokens());
    trace::TokenIndex next = m_engine.takeIndices(tokens.size());
    while (!tokens.empty()) {
        m_engine.boundary(next);
        if (m_engine.inbox.stopRequested())
            return false;
        const auto pass = tokens.first(std::min(most, tokens.size()));
        const trace::TokenIndex first = next;
        for (const std::int32_t id : pass) {
            m_engine.tracer.emit(trace::TokenPrompted{.at = m_engine.clock.now(), .turn = m_turn, .token = next, .tokenId = id},
                                 trace::asPayload(m_engine.tokenizer->piece(id)));
            next = trace::TokenIndex(next.value + 1);
        }
        m_engine.read(pass, first, Phase::Prefill);
        tokens = tokens.subspan(pass.size());
        if (!tokens.empty())
            m_engine.decoder.endStep();
    }
    return true;
}

void Generator::generate() {
    if (m_request.maxTokens <= 0) {
        m_engine.decoder.endStep();
        m_end = EndReason::TokenLimit;
        return;
    }
    const int last = static_cast<int>(m_engine.pass.size()) - 1;
    m_engine.decoder.foreseeFirstLayer(last);
    m_engine.decoder.logits(last, m_engine.logits);
    while (true) {
        const trace::TimeNs begin = m_engine.clock.now();
        const model::Sampler::Pick pick = m_sampler.pick(m_engine.logits, m_engine.context);
        m_engine.decoder.stage(trace::Stage::Sample, begin);
        m_engine.decoder.endStep();
        emitToken(pick);
        if (m_end)
            return;
        m_engine.boundary(m_last);
        if (m_engine.inbox.stopRequested())
            return;
        m_engine.read(std::span(&pick.token, 1), m_last, Phase::Decode);
        m_engine.decoder.foreseeFirstLayer(0);
        m_engine.decoder.logits(0, m_engine.logits);
    }
}

void Generator::emitToken(const model::Sampler::Pick& pick) {
    const std::string_view piece =
        m_engine.tokenizer->endsGeneration(pick.token) ? std::string_view() : m_engine.tokenizer->piece(pick.token);
    m_last = m_engine.takeIndices(1);
    ++m_tokens;
    std::string text = m_text.push(piece, false);
    m_end = reasonToEnd(pick.token, m_text.stopped());
    // What was held back for a stop string belongs to this token when no other can bring it.
    if (m_end)
        text += m_text.finish();
    m_engine.tracer.emit(trace::TokenEmitted{.at = m_engine.clock.now(),
                                             .turn = m_turn,
                                             .token = m_last,
                                             .tokenId = pick.token,
                                             .logProbability = pick.logProbability,
                                             .contextUsed = m_engine.contextLength() + 1},
                         trace::asPayload(text));
    if (m_end == EndReason::ContextFull)
        note(fmt::format("The model's context of {} tokens is full; start a new conversation to go on.",
                         m_engine.config.contextTokens));
}

std::optional<EndReason> Generator::reasonToEnd(std::int32_t token, bool stopString) const {
    if (m_engine.tokenizer->endsGeneration(token))
        return EndReason::EndOfText;
    if (stopString)
        return EndReason::StopString;
    if (m_tokens >= m_request.maxTokens)
        return EndReason::TokenLimit;
    if (m_engine.contextLength() >= m_engine.config.contextTokens)
        return EndReason::ContextFull;
    if (m_engine.inbox.stopRequested())
        return EndReason::Requested;
    return std::nullopt;
}

void Generator::note(const std::string& sentence) {
    m_engine.tracer.emit(trace::NoteMade{.at = m_engine.clock.now(), .token = m_last}, trace::asPayload(sentence));
}

Answer Generator::failed(const std::string& problem) {
    m_engine.tracer.emit(trace::RunFailed{.at = m_engine.clock.now()}, trace::asPayload(problem));
    return end(EndReason::Failed, problem);
}

Answer Generator::end(EndReason reason, std::string problem) {
    m_text.finish();
    if (reason == EndReason::ContextFull && problem.empty())
        problem = fmt::format("The model's context of {} tokens is full.", m_engine.config.contextTokens);
    m_engine.tracer.emit(trace::AnswerEnded{
        .at = m_engine.clock.now(), .turn = m_turn, .reason = reason, .tokens = m_tokens, .promptBeganAt = m_beganAt});
    return {m_text.text(), m_tokens, reason, std::move(problem)};
}

} // namespace moescope::runtime

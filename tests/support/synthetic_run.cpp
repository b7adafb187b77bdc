#include "tests/support/synthetic_run.h"

#include "engine/trace/routing_payload.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace moescope::test {

using namespace trace;

SyntheticRun::SyntheticRun(Shape shape, unsigned seed)
    : m_shape(shape), m_random(seed), m_cache(static_cast<std::size_t>(shape.layers)) {}

TimeNs SyntheticRun::pass(int leastNs, int mostNs) {
    m_now += std::uniform_int_distribution<int>(leastNs, mostNs)(m_random);
    return m_now;
}

void SyntheticRun::prompt(int tokens, const Emit& emit) {
    m_promptAt = pass(1000, 2000);
    m_answered = 0;
    const std::string text = "Tell me a story about a lantern.";
    emit(PromptBegan{m_promptAt, TurnIndex(m_turn), TokenIndex(m_token), tokens, 0, 512}, asPayload(text));
    for (int i = 0; i < tokens; ++i) {
        const std::string piece = " word" + std::to_string(i);
        emit(TokenPrompted{m_now, TurnIndex(m_turn), TokenIndex(m_token++), 100 + i}, asPayload(piece));
    }
}

void SyntheticRun::stage(Stage stage, int layer, TimeNs begin, const Emit& emit) {
    emit(StageSpan{begin, m_now, TokenIndex(m_token - 1), 1, layer < 0 ? Layer() : Layer(layer), stage, Phase::Decode}, {});
}

void SyntheticRun::token(const Emit& emit) {
    const TimeNs begin = pass(200, 900);
    TimeNs at = begin;
    pass(400, 900);
    stage(Stage::Embed, -1, at, emit);
    for (int i = 0; i < m_shape.layers; ++i)
        layer(i, emit);
    at = m_now;
    pass(60'000, 90'000);
    stage(Stage::Output, -1, at, emit);
    at = m_now;
    pass(8'000, 15'000);
    stage(Stage::Sample, -1, at, emit);
    stage(Stage::Step, -1, begin, emit);
    const std::string text = m_answered % 7 == 6 ? ".\n" : " once" + std::string(static_cast<std::size_t>(m_answered % 4), 'e');
    ++m_answered;
    emit(TokenEmitted{m_now, TurnIndex(m_turn), TokenIndex(m_token), 300 + m_answered % 97,
                      -static_cast<float>(m_random() % 1000) / 300.0F, m_token + 1},
         asPayload(text));
    ++m_token;
}

void SyntheticRun::end(const Emit& emit) {
    emit(AnswerEnded{m_now, TurnIndex(m_turn++), EndReason::EndOfText, m_answered, m_promptAt}, {});
}

void SyntheticRun::layer(int layer, const Emit& emit) {
    TimeNs at = m_now;
    pass(15'000, 25'000);
    stage(Stage::Attention, layer, at, emit);
    at = m_now;
    pass(3'000, 5'000);
    stage(Stage::Router, layer, at, emit);
    choose(layer, emit);
    at = m_now;
    for (int expert : m_chosen)
        ask(layer, expert, emit);
    if (m_shape.prefetch && layer + 1 < m_shape.layers && m_random() % 4 == 0) {
        auto& slots = m_cache[static_cast<std::size_t>(layer) + 1];
        const int guess = static_cast<int>(m_random() % static_cast<unsigned>(m_shape.experts));
        const bool there = std::any_of(slots.begin(), slots.end(), [guess](const Slot& slot) { return slot.expert == guess; });
        if (!there) {
            const ExpertKey key = expertKey(layer + 1, guess);
            emit(PrefetchIssued{m_now, TokenIndex(m_token - 1), key, TransferId(m_transfer), 1, 0.5F}, {});
            load(key, TransferCause::Prefetch, m_now, emit);
            slots.front().prefetchedBy = m_transfer - 1;
        }
    }
    pass(30'000, 50'000);
    stage(Stage::Experts, layer, at, emit);
}

void SyntheticRun::choose(int layer, const Emit& emit) {
    const auto experts = static_cast<std::size_t>(m_shape.experts);
    std::vector<float> gate(experts);
    float sum = 0;
    for (float& value : gate)
        sum += value = std::exp(static_cast<float>(m_random() % 1000) / 250.0F);
    for (float& value : gate)
        value /= sum;
    m_chosen.resize(experts);
    for (std::size_t i = 0; i < experts; ++i)
        m_chosen[i] = static_cast<int>(i);
    const auto value = [&gate](int expert) { return gate[static_cast<std::size_t>(expert)]; };
    std::partial_sort(m_chosen.begin(), m_chosen.begin() + m_shape.topK, m_chosen.end(),
                      [&](int a, int b) { return value(a) > value(b); });
    m_chosen.resize(static_cast<std::size_t>(m_shape.topK));
    float kept = 0;
    for (int expert : m_chosen)
        kept += value(expert);
    std::vector<std::uint16_t> ids;
    std::vector<float> weights;
    for (int expert : m_chosen) {
        ids.push_back(static_cast<std::uint16_t>(expert));
        weights.push_back(value(expert) / kept);
    }
    ExpertsChosen event{m_now,
                        TokenIndex(m_token - 1),
                        Layer(layer),
                        Phase::Decode,
                        static_cast<std::uint8_t>(m_shape.topK),
                        static_cast<std::uint8_t>(m_shape.topK),
                        static_cast<std::uint8_t>(layer + 1 < m_shape.layers ? 1 : 0),
                        static_cast<std::uint16_t>(m_shape.experts)};
    m_routing.resize(routingPayloadBytes(event));
    const std::vector<float> predicted = event.predictedDepths ? gate : std::vector<float>{};
    encodeRouting(event, ids, weights, gate, predicted, m_routing);
    emit(event, m_routing);
}

void SyntheticRun::ask(int layer, int expert, const Emit& emit) {
    auto& slots = m_cache[static_cast<std::size_t>(layer)];
    const ExpertKey key = expertKey(layer, expert);
    const TokenIndex token(m_token - 1);
    const auto found = std::find_if(slots.begin(), slots.end(), [expert](const Slot& slot) { return slot.expert == expert; });
    if (found != slots.end()) {
        emit(ExpertHit{m_now, token, key}, {});
        if (found->prefetchedBy >= 0)
            emit(PrefetchResolved{m_now, token, key, TransferId(found->prefetchedBy), true}, {});
        found->prefetchedBy = -1;
        slots.splice(slots.begin(), slots, found);
        return;
    }
    emit(ExpertMissed{m_now, token, key, false}, {});
    const TimeNs asked = m_now;
    load(key, TransferCause::Demand, asked, emit);
    emit(StallSpan{asked, m_now, token, key, TransferId(m_transfer - 1)}, {});
}

void SyntheticRun::load(ExpertKey key, TransferCause cause, TimeNs queuedAt, const Emit& emit) {
    auto& slots = m_cache[static_cast<std::size_t>(key.layer.value)];
    const TokenIndex token(m_token - 1);
    if (slots.size() == static_cast<std::size_t>(m_shape.slotsPerLayer)) {
        const Slot out = slots.back();
        const ExpertKey outKey = expertKey(key.layer.value, out.expert);
        emit(ExpertEvicted{m_now, token, outKey,
                           cause == TransferCause::Demand ? EvictionCause::Demand : EvictionCause::Prefetch, key},
             {});
        if (out.prefetchedBy >= 0)
            emit(PrefetchResolved{m_now, token, outKey, TransferId(out.prefetchedBy), false}, {});
        slots.pop_back();
    }
    const TimeNs begin = pass(500, 2'000);
    pass(60'000, 80'000);
    emit(TransferSpan{begin, m_now, queuedAt, token, key, TransferId(m_transfer++), cause, TransferOutcome::Completed, true,
                      417'792},
         {});
    slots.push_front({key.expert.value, -1});
}

session::SessionInfo SyntheticRun::info() const {
    session::SessionInfo info;
    info.id = "00112233445566778899aabbccddeeff";
    info.title = "A synthetic run";
    info.createdUtc = "2026-01-02T03:04:05Z";
    info.programVersion = "0.1.0";
    info.model.name = "caricature";
    info.model.layers = m_shape.layers;
    info.model.experts = m_shape.experts;
    info.model.topK = m_shape.topK;
    info.model.expertBytes = 417'792;
    info.settings = {{"gate", "topk"}, {"cache", "lru"}};
    info.seed = 7;
    return info;
}

session::Batch SyntheticRun::batch(std::int64_t number, std::int64_t firstSeq, std::size_t events) {
    session::Batch batch;
    batch.number = number;
    const Emit emit = [&](const Event& event, Payload payload) { batch.append(firstSeq++, event, payload); };
    if (m_token == 0)
        prompt(12, emit);
    while (batch.records.size() < events)
        token(emit);
    batch.committedAt = pass(1000, 5000);
    return batch;
}

} // namespace moescope::test

#include "engine/runtime/decoder.h"

#include "engine/policy/gate_choice.h"
#include "engine/policy/next_layer_policy.h"

#include <algorithm>
#include <stdexcept>

namespace moescope::runtime {

using trace::Stage;

Decoder::Decoder(backend::Backend& backend, ExpertTier& tier, const model::ModelConfig& config, trace::Tracer& tracer,
                 trace::ScopeSink& scopes, const trace::Clock& clock)
    : m_backend(backend), m_tier(tier), m_config(config), m_tracer(tracer), m_scopes(scopes), m_clock(clock) {
    const auto experts = static_cast<std::size_t>(config.experts);
    const auto tokens = static_cast<std::size_t>(backend.maxPassTokens());
    const auto depths = static_cast<std::size_t>(policy::NextLayerPolicy::kMaxDepth);
    m_logits.resize(tokens * experts);
    m_gate.resize(experts);
    m_predicted.resize((depths + 1) * experts);
    m_foreseen.resize(experts);
    m_final.resize(static_cast<std::size_t>(config.hidden));
    m_strongest.resize(depths * experts);
    m_weights.resize(tokens * static_cast<std::size_t>(config.topK));
    m_kept.resize(tokens);
    m_rows.resize(experts);
    m_strength.resize(experts);
}

std::span<float> Decoder::predicted(int depth) {
    const auto experts = static_cast<std::size_t>(m_config.experts);
    return std::span(m_predicted).subspan(static_cast<std::size_t>(depth - 1) * experts, experts);
}

std::span<float> Decoder::strongest(int depth) {
    const auto experts = static_cast<std::size_t>(m_config.experts);
    return std::span(m_strongest).subspan(static_cast<std::size_t>(depth - 1) * experts, experts);
}

trace::TimeNs Decoder::stage(Stage stage, trace::TimeNs begin, trace::Layer layer) {
    const trace::TimeNs end = m_clock.now();
    m_tracer.emit(trace::StageSpan{
        .begin = begin, .end = end, .token = m_first, .tokens = m_tokens, .layer = layer, .stage = stage, .phase = m_phase});
    return end;
}

void Decoder::run(std::span<const backend::PassToken> tokens, trace::TokenIndex first, trace::Phase phase) {
    m_first = first;
    m_phase = phase;
    m_tokens = static_cast<int>(tokens.size());
    m_stepBegin = m_clock.now();
    m_foreseenFits = m_foreseenFor.valid() && m_foreseenFor == first && phase == trace::Phase::Decode && m_tokens == 1;
    m_foreseenFor = {};
    m_tier.supply().beginStep(first, phase);
    {
        const trace::OpenScope open(m_scopes, scope(Stage::Embed));
        m_backend.beginPass(tokens);
    }
    m_stageBegin = m_stepBegin;
    const bool resident = queueResident();
    for (int layer = 0; layer < m_config.layers; ++layer)
        resident ? followLayer(trace::Layer(layer)) : runLayer(trace::Layer(layer));
}

/// Where nothing has to be fetched and the gate is the model's own, the device needs no answer from here between its layers:
/// all are queued at once, and what happened is told afterwards. False: not so.
bool Decoder::queueResident() {
    if (m_tokens != 1 || !m_tier.gate().lossless())
        return false;
    m_slots.clear();
    for (int layer = 0; layer < m_config.layers; ++layer)
        for (int expert = 0; expert < m_config.experts; ++expert) {
            const trace::ExpertKey key = trace::expertKey(layer, expert);
            if (!m_tier.cache().resident(key))
                return false;
            m_slots.push_back(m_tier.cache().slotOf(key));
        }
    if (!m_backend.beginResident({.slots = m_slots,
                                  .rule = {.topK = m_config.topK, .renormalise = m_config.renormaliseWeights},
                                  .depths = std::max(1, m_tier.prefetch().depth()),
                                  .attributed = m_scopes.listens()}))
        return false;
    for (int index = 0; index < m_config.layers; ++index) {
        const trace::Layer layer(index);
        {
            const trace::OpenScope open(m_scopes, scope(Stage::Attention, layer));
            m_backend.attend(index);
        }
        {
            const trace::OpenScope open(m_scopes, scope(Stage::Router, layer));
            m_backend.chooseExperts(index);
        }
        const trace::OpenScope open(m_scopes, scope(Stage::Experts, layer));
        m_backend.runChosen(index);
    }
    const trace::OpenScope open(m_scopes, scope(Stage::Output));
    m_backend.endResident();
    return true;
}

/// Tells of a layer that is queued. Its stages end when this thread sees that the device has come past them.
void Decoder::followLayer(trace::Layer layer) {
    m_backend.awaitStage(layer.value, Stage::Attention);
    m_stageBegin = stage(Stage::Attention, m_stageBegin, layer);
    chooseExperts(layer.value);
    m_stageBegin = stage(Stage::Router, m_stageBegin, layer);
    askForExperts(layer.value);
    offerGuesses(layer.value);
    expert::ExpertSupply& supply = m_tier.supply();
    while (const auto ready = supply.next())
        supply.done(ready->expert);
    m_backend.awaitStage(layer.value, Stage::Experts);
    m_stageBegin = stage(Stage::Experts, m_stageBegin, layer);
    m_foreseenFits = false;
}

void Decoder::runLayer(trace::Layer layer) {
    {
        const trace::OpenScope open(m_scopes, scope(Stage::Attention, layer));
        m_backend.attend(layer.value);
        m_stageBegin = stage(Stage::Attention, m_stageBegin, layer);
    }
    {
        const trace::OpenScope open(m_scopes, scope(Stage::Router, layer));
        chooseExperts(layer.value);
        m_stageBegin = stage(Stage::Router, m_stageBegin, layer);
    }
    const trace::OpenScope open(m_scopes, scope(Stage::Experts, layer));
    askForExperts(layer.value);
    offerGuesses(layer.value);
    runExperts(layer.value);
    m_stageBegin = stage(Stage::Experts, m_stageBegin, layer);
    m_foreseenFits = false;
}

void Decoder::foreseeFirstLayer(int row) {
    const trace::OpenScope open(m_scopes, scope(Stage::Output));
    const policy::LinearGate* gate = m_tier.firstLayerGate();
    m_tier.supply().endStep();
    if (!gate || gate->hidden != m_config.hidden || !m_backend.finalNorm(row, m_final))
        return;
    gate->predict(m_final, m_foreseen);
    m_foreseenFor = trace::TokenIndex(m_first.value + m_tokens);
    if (!m_tier.guessesFirstLayer())
        return;
    const std::span<const float> prediction(m_foreseen);
    offer(-1, std::span(&prediction, 1));
}

void Decoder::logits(int row, std::span<float> out) {
    const trace::OpenScope open(m_scopes, scope(Stage::Output));
    const trace::TimeNs begin = m_clock.now();
    m_backend.logits(row, out);
    stage(Stage::Output, begin);
}

void Decoder::chooseExperts(int layer) {
    const auto experts = static_cast<std::size_t>(m_config.experts);
    const auto topK = static_cast<std::size_t>(m_config.topK);
    const std::span<float> logits = std::span(m_logits).first(static_cast<std::size_t>(m_tokens) * experts);
    m_backend.route(layer, logits);
    // One prediction is always made, so that every session shows how far the next layer could have been foreseen.
    m_depths = std::min(std::max(1, m_tier.prefetch().depth()), m_config.layers - 1 - layer);
    std::fill(m_strongest.begin(), m_strongest.end(), 0.0F);
    std::fill(m_strength.begin(), m_strength.end(), 0.0F);
    for (auto& rows : m_rows)
        rows.clear();
    m_wants.clear();
    for (int row = 0; row < m_tokens; ++row) {
        const auto at = static_cast<std::size_t>(row);
        const policy::GateChoice choice =
            m_tier.gate().choose({.layer = layer,
                                  .logits = logits.subspan(at * experts, experts),
                                  .rule = {.topK = m_config.topK, .renormalise = m_config.renormaliseWeights},
                                  .residency = &m_tier.supply().expected(),
                                  .token = trace::TokenIndex(m_first.value + row),
                                  .phase = m_phase},
                                 m_gate);
        m_kept[at] = choice.kept;
        std::copy_n(choice.weights.begin(), choice.kept, m_weights.begin() + static_cast<std::ptrdiff_t>(at * topK));
        for (int rank = 0; rank < choice.kept; ++rank) {
            const std::size_t expert = choice.ids[static_cast<std::size_t>(rank)];
            if (m_rows[expert].empty())
                m_wants.push_back({static_cast<int>(expert), 0});
            m_rows[expert].push_back({row, rank});
            m_strength[expert] = std::max(m_strength[expert], choice.weights[static_cast<std::size_t>(rank)]);
        }
        predict(layer, row);
        announce(layer, row, choice);
    }
}

void Decoder::predict(int layer, int row) {
    for (int depth = 1; depth <= m_depths; ++depth) {
        const std::span<float> probabilities = predicted(depth);
        m_backend.predict(layer + depth, row, probabilities);
        policy::softmax(probabilities, probabilities);
        const std::span<float> most = strongest(depth);
        std::transform(most.begin(), most.end(), probabilities.begin(), most.begin(),
                       [](float a, float b) { return std::max(a, b); });
    }
}

void Decoder::announce(int layer, int row, const policy::GateChoice& choice) {
    m_counts.decisions += 1;
    m_counts.kept += choice.kept;
    m_counts.single += choice.kept == 1 ? 1 : 0;
    const std::size_t rows = static_cast<std::size_t>(m_depths) + (m_foreseenFits ? 1 : 0);
    if (m_foreseenFits)
        std::copy(m_foreseen.begin(), m_foreseen.end(), predicted(m_depths + 1).begin());
    const trace::ExpertsChosen event{.at = m_clock.now(),
                                     .token = trace::TokenIndex(m_first.value + row),
                                     .layer = trace::Layer(layer),
                                     .phase = m_phase,
                                     .candidates = static_cast<std::uint8_t>(choice.candidates),
                                     .kept = static_cast<std::uint8_t>(choice.kept),
                                     .predictedDepths =
                                         static_cast<std::uint8_t>(m_depths | (m_foreseenFits ? trace::kForeseen : 0)),
                                     .experts = static_cast<std::uint16_t>(m_config.experts)};
    m_payload.resize(trace::routingPayloadBytes(event));
    const auto candidates = static_cast<std::size_t>(choice.candidates);
    trace::encodeRouting(event, std::span(choice.ids).first(candidates), std::span(choice.candidateWeights).first(candidates),
                         m_gate, std::span(m_predicted).first(rows * m_gate.size()), m_payload);
    m_tracer.emit(event, m_payload);
}

void Decoder::askForExperts(int layer) {
    for (expert::ExpertSupply::Want& want : m_wants) {
        want.weight = m_strength[static_cast<std::size_t>(want.expert)];
        want.tokens = static_cast<int>(m_rows[static_cast<std::size_t>(want.expert)].size());
    }
    m_tier.supply().ask(layer, m_wants);
}

void Decoder::offerGuesses(int layer) {
    if (m_tier.prefetch().depth() == 0 || m_depths == 0)
        return;
    std::array<std::span<const float>, policy::NextLayerPolicy::kMaxDepth> depths;
    for (int depth = 1; depth <= m_depths; ++depth)
        depths[static_cast<std::size_t>(depth - 1)] = strongest(depth);
    offer(layer, std::span(depths).first(static_cast<std::size_t>(m_depths)));
}

void Decoder::offer(int layer, std::span<const std::span<const float>> predictions) {
    expert::ExpertSupply& supply = m_tier.supply();
    const bool stepEnded = layer < 0;
    supply.prefetch(m_tier.prefetch().suggest({.layer = layer,
                                               .layers = m_config.layers,
                                               .topK = m_config.topK,
                                               .renormalise = m_config.renormaliseWeights,
                                               .predicted = predictions,
                                               .residency = &supply.expected(),
                                               .expertBytes = m_backend.expertBytes(trace::expertKey(layer + 1, 0)),
                                               .budgetBytes = m_tier.prefetchBudget(stepEnded ? m_config.layers - 1 : layer),
                                               .gate = &m_tier.gate(),
                                               .token = trace::TokenIndex(m_first.value + (stepEnded ? m_tokens : 0)),
                                               .phase = stepEnded ? trace::Phase::Decode : m_phase}));
}

void Decoder::runInPlace(trace::ExpertKey key) {
    const auto& rows = m_rows[static_cast<std::size_t>(key.expert.value)];
    const trace::OpenScope open(m_scopes, {m_first, key, Stage::Experts, {}});
    const trace::TimeNs begin = m_clock.now();
    m_backend.runInPlace(key, rows);
    m_tracer.emit(trace::InPlaceSpan{.begin = begin,
                                     .end = m_clock.now(),
                                     .token = m_first,
                                     .key = key,
                                     .tokens = static_cast<std::int32_t>(rows.size()),
                                     .bytes = m_backend.expertBytes(key)});
}

void Decoder::runExperts(int layer) {
    expert::ExpertSupply& supply = m_tier.supply();
    // What is there runs together; the rest one by one as it arrives, because a later one may need the slot of an earlier.
    int together = supply.atHand();
    for (std::size_t ran = 0; ran < m_wants.size();) {
        m_ready.clear();
        m_calls.clear();
        do {
            const auto ready = supply.next();
            if (!ready)
                throw std::logic_error("The expert supply ran dry before all experts of a layer had run.");
            m_ready.push_back(*ready);
            m_calls.push_back({ready->slot, m_rows[static_cast<std::size_t>(ready->expert)], ready->part});
        } while (--together > 0);
        if (m_ready.front().inPlace())
            runInPlace(trace::expertKey(layer, m_ready.front().expert));
        else
            m_backend.runExperts(layer, m_calls);
        for (const expert::ExpertSupply::Ready& ready : m_ready)
            if (ready.part != expert::ExpertPart::First) {
                supply.done(ready.expert);
                ++ran;
            }
    }
    const auto tokens = static_cast<std::size_t>(m_tokens);
    m_backend.combine(layer, std::span(m_weights).first(tokens * static_cast<std::size_t>(m_config.topK)), m_config.topK,
                      std::span(m_kept).first(tokens));
}

} // namespace moescope::runtime

#include "engine/runtime/engine.h"

#include "engine/runtime/backend_choice.h"
#include "engine/runtime/engine_state.h"
#include "engine/runtime/generator.h"

#include <fmt/core.h>
#include <limits>
#include <stdexcept>

namespace moescope::runtime {

Engine::Engine(EngineOptions options, trace::TracerSource& tracers, const trace::Clock& clock)
    : m_state(std::make_unique<EngineState>(std::move(options), tracers, clock)) {}

Engine::~Engine() = default;

const model::ModelFacts& Engine::facts() const {
    return m_state->facts;
}

Settings Engine::settings() const {
    return m_state->inbox.target();
}

const std::vector<double>& Engine::sensitivity() const {
    return m_state->calibration.sensitivity();
}

const Calibration& Engine::calibration() const {
    return m_state->calibration;
}

std::string Engine::backendName() const {
    return m_state->backend->name();
}

std::int64_t Engine::deviceBytes() const {
    return m_state->backend->deviceMemory().totalBytes;
}

std::string Engine::devicePlan() const {
    std::string plan;
    for (const auto& [name, bytes] : m_state->backend->deviceMemory().parts)
        plan += fmt::format("{}{}={}", plan.empty() ? "" : ", ", name, bytes);
    return plan;
}

std::string Engine::backendNote() const {
    const std::string missing = m_state->options.backend == "auto" ? missingForCuda() : "";
    return missing.empty() ? missing : missing + " The processor computes.";
}

Answer Engine::answer(const GenerationRequest& request) {
    m_state->inbox.clearStop();
    Generator generator(*m_state, request);
    try {
        Answer answer = generator.run();
        m_state->tier.giveBack(std::numeric_limits<int>::max());
        return answer;
    } catch (const std::exception& problem) {
        // The pass may have ended half-way: nothing in the KV cache can be trusted.
        m_state->forgetContext();
        return generator.failed(problem.what());
    }
}

void Engine::post(std::string_view setting, std::string_view value) {
    m_state->inbox.post(setting, value, [this](const Settings& wanted) { m_state->check(wanted); });
}

void Engine::stop() {
    m_state->inbox.stop();
}

void Engine::setPaused(bool paused) {
    m_state->inbox.setPaused(paused);
}

std::vector<std::int32_t> Engine::tokenize(std::string_view text, bool addBos) const {
    return m_state->tokenizer->encode(text, addBos, false);
}

std::string Engine::detokenize(std::span<const std::int32_t> tokens) const {
    std::string text;
    for (const std::int32_t token : tokens)
        if (token >= 0 && token < m_state->tokenizer->size())
            text += m_state->tokenizer->piece(token);
    return text;
}

void Engine::score(std::span<const std::int32_t> tokens, ScoreMode mode,
                   const std::function<bool(int position, std::span<const float> logits)>& onLogits) {
    EngineState& state = *m_state;
    if (tokens.size() > static_cast<std::size_t>(state.config.contextTokens))
        throw std::invalid_argument(fmt::format("A text of {} tokens does not fit the model's context of {}.", tokens.size(),
                                                state.config.contextTokens));
    for (const std::int32_t token : tokens)
        if (token < 0 || token >= state.config.vocabulary)
            throw std::invalid_argument(
                fmt::format("The token {} is not in the model's vocabulary of {}.", token, state.config.vocabulary));
    state.forgetContext();
    state.tier.supply().beginSequence();
    const bool prefill = mode == ScoreMode::Prefill;
    const std::size_t most = prefill ? static_cast<std::size_t>(state.maxPassTokens()) : 1;
    bool wanted = true;
    for (std::size_t at = 0; at < tokens.size() && wanted; at += most) {
        const auto pass = tokens.subspan(at, std::min(most, tokens.size() - at));
        const trace::TokenIndex first = state.takeIndices(pass.size());
        state.boundary(first);
        state.read(pass, first, prefill ? trace::Phase::Prefill : trace::Phase::Decode);
        for (std::size_t row = 0; row < pass.size() && wanted; ++row) {
            state.decoder.logits(static_cast<int>(row), state.logits);
            wanted = onLogits(static_cast<int>(at + row), state.logits);
        }
        state.decoder.endStep();
    }
    state.forgetContext();
}

Engine::GateCounts Engine::takeGateCounts() {
    const Decoder::Counts counts = m_state->decoder.takeCounts();
    return {counts.decisions, counts.kept, counts.single};
}

void Engine::startAt(trace::TokenIndex next) {
    m_state->nextToken = next;
}

void Engine::forgetContext() {
    m_state->forgetContext();
}

} // namespace moescope::runtime

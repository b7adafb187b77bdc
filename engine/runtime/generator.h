#pragma once
#include "engine/model/sampler.h"
#include "engine/runtime/answer_text.h"
#include "engine/runtime/engine_state.h"

namespace moescope::runtime {

/// One question and its answer. Built per turn, used once, on the engine's thread.
class Generator {
public:
    Generator(EngineState& engine, const GenerationRequest& request);

    /// Throws what the engine's parts throw; the caller turns that into a failed answer.
    Answer run();
    /// The answer so far, for a turn that failed.
    Answer failed(const std::string& problem);

private:
    std::vector<std::int32_t> renderedTokens() const;
    std::string_view question() const;
    Answer refuse(std::size_t tokens);
    void begin(std::size_t tokens, std::size_t reused);
    bool readPrompt(std::span<const std::int32_t> tokens);
    void generate();
    void emitToken(const model::Sampler::Pick& pick);
    std::optional<trace::EndReason> reasonToEnd(std::int32_t token, bool stopString) const;
    void note(const std::string& sentence);
    Answer end(trace::EndReason reason, std::string problem);

    EngineState& m_engine;
    const GenerationRequest& m_request;
    model::Sampler m_sampler;
    AnswerText m_text;
    trace::TurnIndex m_turn;
    trace::TimeNs m_beganAt = 0;
    trace::TokenIndex m_last; ///< stream index of the token that was emitted last
    int m_tokens = 0;
    std::optional<trace::EndReason> m_end;
};

} // namespace moescope::runtime

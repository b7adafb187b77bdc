#pragma once
#include "engine/model/chat_template.h"
#include "engine/model/tokenizer.h"
#include "engine/runtime/calibration.h"
#include "engine/runtime/control_inbox.h"
#include "engine/runtime/decoder.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/expert_tier.h"

namespace moescope::runtime {

/// The inside of Engine: the loaded model and everything that reads with it, in the order in which they depend on each other.
struct EngineState {
    EngineState(EngineOptions options, trace::TracerSource& tracers, const trace::Clock& clock);

    /// Throws std::invalid_argument with one sentence if the settings do not fit this model or the machine's fast memory. Any
    /// thread.
    void check(const Settings& wanted) const;
    /// Between tokens: waits while paused and goes over to the settings posted since; `next` is the token to be read then.
    void boundary(trace::TokenIndex next);
    void forgetContext();
    int contextLength() const { return static_cast<int>(context.size()); }
    int maxPassTokens() const;
    /// One pass that continues the context, at most maxPassTokens(); `first` is the stream index of the first token.
    void read(std::span<const std::int32_t> tokens, trace::TokenIndex first, trace::Phase phase);
    /// The next `count` indices of the session's stream; returns the first.
    trace::TokenIndex takeIndices(std::size_t count);

    EngineOptions options;
    const trace::Clock& clock;
    trace::Tracer& tracer;
    model::GgufFile file;
    model::ModelConfig config;
    model::ModelFacts facts;
    std::unique_ptr<model::Tokenizer> tokenizer;
    std::unique_ptr<model::ChatTemplate> chatForm;
    Calibration calibration;
    std::unique_ptr<backend::Backend> backend;
    ExpertTier tier;
    Decoder decoder;
    ControlInbox inbox;

    Settings settings;                 ///< in force
    std::vector<std::int32_t> context; ///< token ids in the KV cache, by position
    trace::TokenIndex nextToken{0};    ///< of the session's stream
    trace::TurnIndex nextTurn{0};
    std::vector<float> logits; ///< [vocabulary]
    std::vector<backend::PassToken> pass;
};

} // namespace moescope::runtime

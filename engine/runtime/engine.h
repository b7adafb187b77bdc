#pragma once
// The only engine header that app needs.
#include "engine/model/model_facts.h"
#include "engine/model/sampler_settings.h"
#include "engine/runtime/calibration.h"
#include "engine/runtime/settings.h"
#include "engine/trace/clock.h"
#include "engine/trace/tracer.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace moescope::runtime {

struct EngineState;

struct EngineOptions {
    std::filesystem::path model;
    int threads = 1;
    Settings settings;
    /// Per-layer sensitivities for the adapmoe gate; empty: the file `calibration.json` beside the model if there is one.
    std::filesystem::path calibration;
    int passTokens = 0;                ///< most prompt tokens per pass; 0 = as many as the backend takes
    std::string backend = "cpu";       ///< see BackendWish
    std::string hostMemory = "pinned"; ///< likewise
};

struct ChatMessage {
    enum class Role { System, User, Assistant } role = Role::User;
    std::string text;
};

struct GenerationRequest {
    std::vector<ChatMessage> messages; ///< rendered by the model's chat form; the last is the user's. Ignored if raw is set
    std::optional<std::string> raw;    ///< text fed as it is (bos is added if the model wants one)
    int maxTokens = 256;
    model::SamplerSettings sampling;
    std::vector<std::string> stop;
};

struct Answer {
    std::string text;
    int tokens = 0;
    trace::EndReason reason = trace::EndReason::EndOfText;
    std::string problem; ///< one sentence when reason is Failed or ContextFull
};

/// A loaded model with its expert cache, mover and KV cache. Built and used on one thread ("the engine's"); post() and stop()
/// may be called from any thread. Constructors throw one sentence meant for the user; a failure while running is a
/// RunFailed event and an Answer with reason Failed.
class Engine {
public:
    Engine(EngineOptions options, trace::TracerSource& tracers, const trace::Clock& clock);
    ~Engine();

    const model::ModelFacts& facts() const;
    Settings settings() const; ///< as in force for the next token; engine thread
    std::string backendName() const;
    /// Memory of the device that computes, where that is not the processor's (else 0), and what was planned in it beside the
    /// expert slots, as "dense weights=852000000, KV cache and scratch=1200000000".
    std::int64_t deviceBytes() const;
    std::string devicePlan() const;
    /// Why the GPU was not used although the options left the choice, in one sentence; empty otherwise.
    std::string backendNote() const;
    /// w_l of AdapMoE per layer, as read from the calibration; empty without one that fits the model.
    const std::vector<double>& sensitivity() const;
    /// All that is known of the model's sensitivities and routing, and the policies built from it.
    const Calibration& calibration() const;

    /// Generates one answer; emits everything as events. Reuses the KV cache for the longest common prefix with what was
    /// read before.
    Answer answer(const GenerationRequest& request);

    /// Thread-safe: takes effect before the next token is read. Throws std::invalid_argument (nothing is changed) if the
    /// value is not allowed for this model.
    void post(std::string_view setting, std::string_view value);
    void stop(); ///< thread-safe: ends the running answer within one token
    /// Thread-safe: while paused, answer() waits between tokens (the recorder's disk is full, or the user wants it so).
    void setPaused(bool paused);

    std::vector<std::int32_t> tokenize(std::string_view text, bool addBos) const;
    std::string detokenize(std::span<const std::int32_t> tokens) const;

    enum class ScoreMode { Decode, Prefill };
    /// Teacher forcing from an empty context: calls back with the logits after each position, in order. Decode feeds one token
    /// per pass as in chat. tokens.size() must not exceed the context. Return false from the callback to stop.
    void score(std::span<const std::int32_t> tokens, ScoreMode mode,
               const std::function<bool(int position, std::span<const float> logits)>& onLogits);
    /// Mean experts run per token and layer since the last call, {decode, prefill}; for quality reports.
    struct GateCounts {
        std::int64_t decisions = 0;
        std::int64_t kept = 0;
        std::int64_t single = 0;
    };
    GateCounts takeGateCounts();
    /// Tokens read from now on are counted from `next`: for a part of a longer text, because a random gate goes by that number.
    void startAt(trace::TokenIndex next);
    void forgetContext();

private:
    std::unique_ptr<EngineState> m_state;
};

} // namespace moescope::runtime

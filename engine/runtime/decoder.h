#pragma once
#include "engine/runtime/expert_tier.h"

#include <utility>

namespace moescope::runtime {

/// One pass of tokens down all layers: attend, route, choose, fetch, run, combine; says what happens as it happens. Owned by
/// the engine; engine thread.
class Decoder {
public:
    struct Counts {
        std::int64_t decisions = 0; ///< tokens times layers
        std::int64_t kept = 0;      ///< experts run
        std::int64_t single = 0;    ///< decisions that kept one expert
    };

    Decoder(backend::Backend& backend, ExpertTier& tier, const model::ModelConfig& config, trace::Tracer& tracer,
            trace::ScopeSink& scopes, const trace::Clock& clock);

    /// Reads tokens (at most backend.maxPassTokens()); `first` is the stream index of the first one. Opens a step, which
    /// lasts until endStep().
    void run(std::span<const backend::PassToken> tokens, trace::TokenIndex first, trace::Phase phase);
    /// Logits after the given row of the pass; out is [vocabulary].
    void logits(int row, std::span<float> out);
    /// As far as the calibration can tell, foresees the first layer of the token that follows the given row, the pass's last,
    /// and offers guesses at it. Before logits(), so that they move while the head computes.
    void foreseeFirstLayer(int row);
    /// Records a stage of the open step that began at the given time and ends now; returns its end.
    trace::TimeNs stage(trace::Stage stage, trace::TimeNs begin, trace::Layer layer = {});
    void endStep() { stage(trace::Stage::Step, m_stepBegin); }

    Counts takeCounts() { return std::exchange(m_counts, {}); }

private:
    void runLayer(trace::Layer layer);
    bool queueResident();
    void followLayer(trace::Layer layer);
    trace::Scope scope(trace::Stage stage, trace::Layer layer = {}) const { return {m_first, {layer, {}}, stage, {}}; }
    void chooseExperts(int layer);
    void predict(int layer, int row);
    void announce(int layer, int row, const policy::GateChoice& choice);
    void askForExperts(int layer);
    void offerGuesses(int layer);
    void offer(int layer, std::span<const std::span<const float>> predictions);
    void runExperts(int layer);
    void runInPlace(trace::ExpertKey key);
    std::span<float> predicted(int depth);
    std::span<float> strongest(int depth);

    backend::Backend& m_backend;
    ExpertTier& m_tier;
    const model::ModelConfig& m_config;
    trace::Tracer& m_tracer;
    trace::ScopeSink& m_scopes;
    const trace::Clock& m_clock;

    trace::TimeNs m_stepBegin = 0;
    trace::TimeNs m_stageBegin = 0;
    trace::TokenIndex m_first;
    trace::Phase m_phase = trace::Phase::Decode;
    int m_tokens = 0;
    int m_depths = 0;                ///< layers ahead that are predicted at the current layer
    bool m_foreseenFits = false;     ///< m_foreseen is of the layer that is running
    trace::TokenIndex m_foreseenFor; ///< token to be read whose first layer m_foreseen is of; invalid: none
    Counts m_counts;

    // Scratch, sized once.
    std::vector<float> m_logits;    ///< [tokens][experts] of the router
    std::vector<float> m_gate;      ///< [experts] softmax
    std::vector<float> m_predicted; ///< [depths + 1][experts] of one row
    std::vector<float> m_foreseen;  ///< [experts] of the first layer
    std::vector<float> m_final;     ///< [hidden] what the first layer is foreseen from
    std::vector<float> m_strongest; ///< [depths][experts], maximum over the rows
    std::vector<float> m_weights;   ///< [tokens][topK]
    std::vector<int> m_kept;        ///< [tokens]
    std::vector<std::byte> m_payload;
    std::vector<std::vector<backend::ExpertRow>> m_rows; ///< [experts]
    std::vector<float> m_strength;                       ///< [experts] largest weight in the pass
    std::vector<expert::ExpertSupply::Want> m_wants;
    std::vector<expert::ExpertSupply::Ready> m_ready;
    std::vector<backend::ExpertCall> m_calls;
    std::vector<int> m_slots; ///< [layers][experts]
};

} // namespace moescope::runtime

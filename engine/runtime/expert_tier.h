#pragma once
#include "engine/backend/backend.h"
#include "engine/expert/expert_supply.h"
#include "engine/expert/thread_mover.h"
#include "engine/model/model_config.h"
#include "engine/runtime/calibration.h"

namespace moescope::runtime {

/// Everything between router and slots that settings decide: policies, cache, mover and supply, put together. Owned by the
/// engine; engine thread. The backend must outlive it.
class ExpertTier {
public:
    /// Provides the backend's slots; with a budget for all experts it brings them all in.
    ExpertTier(backend::Backend& backend, const model::ModelConfig& config, const Calibration& calibration,
               const Settings& settings, trace::TracerSource& tracers, trace::Tracer& tracer, const trace::Clock& clock);

    /// Between tokens: goes over to other settings; touches only what differs.
    void apply(const Settings& settings);

    /// Gives the memory of up to so many slots back that a smaller plan left empty. Between tokens a few, so that no change of
    /// the budget holds an answer up for long; at the end of an answer all.
    void giveBack(int slots);

    expert::ExpertSupply& supply() { return m_supply; }
    const expert::ExpertCache& cache() const { return m_cache; }
    const policy::GatePolicy& gate() const { return *m_gate; }
    const policy::PrefetchPolicy& prefetch() const { return *m_prefetch; }
    /// Bytes that may be guessed at after this layer's question; the last layer's: at the end of the step.
    std::int64_t prefetchBudget(int layer) const;
    /// Foresees the next step's first layer; null if the calibration holds none.
    const policy::LinearGate* firstLayerGate() const { return m_calibration.known().firstLayer.get(); }
    bool guessesFirstLayer() const { return m_settings.prefetchFirstLayer && m_prefetch->depth() > 0; }

private:
    policy::SlotPlan planFor(const Settings& settings) const;
    void changePlan(const Settings& settings);
    void changePrefetch(const Settings& settings);

    backend::Backend& m_backend;
    expert::ExpertCache::Shape m_shape;
    const Calibration& m_calibration;
    Settings m_settings;
    std::unique_ptr<policy::GatePolicy> m_gate;
    std::unique_ptr<policy::PrefetchPolicy> m_prefetch;
    expert::ExpertCache m_cache;
    expert::ThreadMover m_mover;
    expert::ExpertSupply m_supply;
    int m_reserved = 0;           ///< slots that the backend provides, at least as many as the cache counts
    std::vector<int> m_leftEmpty; ///< slots whose memory may go if nothing has moved in since
};

} // namespace moescope::runtime

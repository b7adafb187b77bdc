#pragma once
#include "engine/expert/expert_supply.h"
#include "engine/runtime/calibration.h"
#include "profiler/simulate/oracle_policy.h"
#include "profiler/simulate/scenario.h"
#include "profiler/simulate/virtual_link.h"

#include <memory>

namespace moescope::simulate {

/// Runs a recording again under other settings: the real policies, ExpertCache and ExpertSupply, asked in the decoder's order
/// (engine/runtime/decoder.cpp), with a virtual clock. Compute time is the recording's, copy time the link's. Deterministic.
/// Used once; one thread. The recording, its timing and the tracer must outlive it.
class Simulation {
public:
    /// Throws std::invalid_argument or std::runtime_error with one sentence if the recording lacks what the scenario needs.
    Simulation(const Recording& recording, const MachineTiming& timing, const Scenario& scenario, trace::Tracer& tracer);
    ~Simulation();

    /// Emits the events of the whole run. Throws Cancelled, or one sentence.
    void run(const Progress& progress);
    trace::TimeNs now() const { return m_clock.now(); }

private:
    struct Scratch;

    std::unique_ptr<policy::CachePolicy> makeCachePolicy(const runtime::Settings& settings) const;
    std::unique_ptr<policy::PrefetchPolicy> makePrefetch(const runtime::Settings& settings) const;
    std::unique_ptr<policy::GatePolicy> neededGate(const runtime::Settings& settings) const;
    policy::SlotPlan planFor(const runtime::Settings& settings) const;
    void checkFacts(const runtime::Settings& settings) const;
    void checkTime() const;
    void gatherFuture(const Progress& progress);
    void begin();
    void change(const Remark& remark);
    void apply(const runtime::Settings& settings);
    void remark(const Remark& remark);
    void runPass(const Pass& pass);
    void runLayer(const Pass& pass, const LayerWork& layer);
    void stage(const Pass& pass, trace::Stage stage, trace::TimeNs begin, trace::Layer layer = {});
    void chooseExperts(const LayerWork& layer);
    void chooseAsRecorded(const Decision& decision);
    void chooseAnew(const Decision& decision);
    void offerGuesses(const Pass& pass, const LayerWork& layer);
    void guessFirstLayer(const Pass& pass);
    void offer(int layer, std::span<const std::span<const float>> predictions, trace::TokenIndex token, trace::Phase phase);
    trace::TimeNs computeNs(const Pass& pass, const LayerWork& layer, int hits) const;
    void runExperts(const Pass& pass, const LayerWork& layer);

    const Recording& m_recording;
    const MachineTiming& m_timing;
    const Scenario& m_scenario;
    trace::Tracer& m_tracer;
    bool m_gateAsRecorded;
    runtime::Settings m_settings;
    runtime::Calibration m_calibration;
    expert::ExpertCache::Shape m_shape;
    std::shared_ptr<FutureAskings> m_future;    ///< with Belady's policy; empty until run()
    std::unique_ptr<policy::GatePolicy> m_gate; ///< null where nothing asks for it
    std::unique_ptr<policy::PrefetchPolicy> m_prefetch;
    trace::ManualClock m_clock;
    expert::ExpertCache m_cache;
    VirtualLink m_link;
    std::unique_ptr<expert::ExpertSupply> m_supply;
    trace::TimeNs m_promptBeganAt = 0;
    std::unique_ptr<Scratch> m_scratch;
};

} // namespace moescope::simulate

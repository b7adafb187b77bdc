#pragma once
// The simulator: what would have happened to this recording under other settings.
#include "engine/policy/target_k.h"
#include "profiler/simulate/figures.h"
#include "profiler/simulate/scenario.h"

#include <memory>

namespace moescope::simulate {

/// Holds a recording and what was measured on it, for any number of simulations, one after the other. Each gives the same
/// events for the same scenario. Immutable; estimate() may be called from several threads.
class Simulator {
public:
    explicit Simulator(Recording recording);
    ~Simulator();

    const Recording& recording() const;
    /// Only the figures.
    Figures estimate(const Scenario& scenario, const Progress& progress = {}) const;
    /// Also the session: complete, or not there. `facts`: id, program and time of this simulation; everything else comes from
    /// the recording. Throws one sentence, or Cancelled.
    Figures write(const Scenario& scenario, const std::filesystem::path& file, const session::SessionInfo& facts,
                  const Progress& progress = {}) const;
    /// Every event goes to the tracer.
    Figures trace(const Scenario& scenario, trace::Tracer& tracer, const Progress& progress = {}) const;
    /// The threshold at which the scenario's gate keeps `target` experts per token and layer on the session's own decisions,
    /// those of the answers (of the prompts, if there is no answer). Throws as policy::thresholdForMeanK.
    policy::TargetThreshold thresholdForMeanK(const Scenario& scenario, double target) const;
    /// What is not measured in a simulation of this scenario, in sentences for the user.
    std::string caveat(const Scenario& scenario) const;

private:
    struct State;
    std::unique_ptr<const State> m_state;
};

} // namespace moescope::simulate

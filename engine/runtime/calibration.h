#pragma once
#include "engine/model/model_facts.h"
#include "engine/policy/allocation_policy.h"
#include "engine/policy/gate_policy.h"
#include "engine/policy/sensitivities.h"
#include "engine/policy/target_k.h"
#include "engine/runtime/settings.h"

#include <filesystem>
#include <string>
#include <vector>

namespace moescope::runtime {

/// What is known of the loaded model's sensitivities and routing, as far as there is a calibration file, and the policies built
/// from it. Immutable after construction; any thread.
class Calibration {
public:
    /// An explicit path must be readable and fit the model (throws one sentence). Without one, `calibration.json` beside the
    /// model is tried; if that is unusable the reason is kept and comes out when a gate needs it.
    Calibration(const std::filesystem::path& path, const model::ModelFacts& facts);
    /// What is known from elsewhere; without sensitivities nothing is. Throws one sentence if it is another model's.
    Calibration(policy::Sensitivities known, const model::ModelFacts& facts);

    /// Throws std::invalid_argument with one sentence if the gate needs sensitivities and there are none.
    std::unique_ptr<policy::GatePolicy> makeGate(const Settings& settings) const;
    /// Throws std::invalid_argument with one sentence if the allocation needs what the calibration does not hold.
    std::unique_ptr<policy::AllocationPolicy> makeAllocation(const Settings& settings) const;
    /// Throws as the two above do.
    void check(const Settings& settings) const;

    /// The threshold at which the settings' gate keeps `target` experts per token and layer on the decisions in the file.
    /// Throws std::invalid_argument with one sentence if the file holds none, or the gate cannot be built.
    policy::TargetThreshold thresholdForMeanK(const Settings& settings, double target) const;

    /// What gates are built from under these settings.
    policy::GateParameters gateParameters(const Settings& settings) const;
    /// What allocations are built from: how many experts the gate will run, as an estimate; the next-layer gate's recall where
    /// prefetching is on; the hit curves of the cache policy.
    policy::AllocationParameters allocationParameters(const Settings& settings) const;

    /// Refined w_l per layer; empty without a calibration that fits the model.
    const std::vector<double>& sensitivity() const { return m_known.refined; }
    /// All that the file holds; empty lists without one that fits the model.
    const policy::Sensitivities& known() const { return m_known; }
    /// What the calibration calls the model it was measured on; empty without one. Files often say only "Model".
    const std::string& modelName() const { return m_known.modelName; }

private:
    int m_layers = 0;
    int m_topK = 0;
    policy::Sensitivities m_known;
    std::string m_problem;
};

} // namespace moescope::runtime

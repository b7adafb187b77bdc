#pragma once
#include "engine/model/model_facts.h"
#include "engine/policy/gate_policy.h"
#include "engine/runtime/settings.h"

#include <filesystem>
#include <string>
#include <vector>

namespace moescope::runtime {

/// Per-layer sensitivities of the loaded model, as far as there are any, and the gate built from them. Immutable after
/// construction; any thread.
class Calibration {
public:
    /// An explicit path must be readable and fit the model (throws one sentence). Without one, `calibration.json` beside the
    /// model is tried; if that is unusable the reason is kept and comes out when a gate needs it.
    Calibration(const std::filesystem::path& path, const model::ModelFacts& facts);

    /// Throws std::invalid_argument with one sentence if the gate needs sensitivities and there are none.
    std::unique_ptr<policy::GatePolicy> makeGate(const Settings& settings) const;

    /// w_l per layer; empty without a calibration that fits the model.
    const std::vector<double>& sensitivity() const { return m_sensitivity; }
    /// What the calibration calls the model it was measured on; empty without one. Files often say only "Model".
    const std::string& modelName() const { return m_modelName; }

private:
    std::vector<double> m_sensitivity;
    std::string m_modelName;
    std::string m_problem;
};

} // namespace moescope::runtime

#include "engine/runtime/calibration.h"

#include "engine/policy/sensitivities.h"

#include <fmt/core.h>
#include <stdexcept>

namespace moescope::runtime {

Calibration::Calibration(const std::filesystem::path& path, const model::ModelFacts& facts) {
    const auto read = [&facts, this](const std::filesystem::path& file) {
        const policy::Sensitivities sensitivities = policy::readSensitivities(file);
        m_sensitivity = policy::sensitivitiesFor(sensitivities, facts.layers, facts.hash);
        m_modelName = sensitivities.modelName;
    };
    if (!path.empty()) {
        read(path);
        return;
    }
    const auto beside = std::filesystem::path(facts.path).parent_path() / "calibration.json";
    std::error_code ignored;
    if (!std::filesystem::exists(beside, ignored))
        return;
    try {
        read(beside);
    } catch (const std::runtime_error& problem) {
        m_problem = problem.what();
    }
}

std::unique_ptr<policy::GatePolicy> Calibration::makeGate(const Settings& settings) const {
    try {
        return policy::makeGatePolicy(settings.gate, {.threshold = settings.gateThreshold, .sensitivity = m_sensitivity});
    } catch (const std::invalid_argument& refusal) {
        if (m_problem.empty())
            throw;
        throw std::invalid_argument(m_problem);
    }
}

} // namespace moescope::runtime

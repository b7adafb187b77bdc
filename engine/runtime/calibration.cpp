#include "engine/runtime/calibration.h"

#include "engine/policy/sensitivities.h"

#include <fmt/core.h>
#include <stdexcept>

namespace moescope::runtime {

Calibration::Calibration(const std::filesystem::path& path, const model::ModelFacts& facts) {
    const auto read = [&facts](const std::filesystem::path& file) {
        return policy::sensitivitiesFor(policy::readSensitivities(file), facts.layers, facts.hash);
    };
    if (!path.empty()) {
        m_sensitivity = read(path);
        return;
    }
    const auto beside = std::filesystem::path(facts.path).parent_path() / "calibration.json";
    std::error_code ignored;
    if (!std::filesystem::exists(beside, ignored))
        return;
    try {
        m_sensitivity = read(beside);
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

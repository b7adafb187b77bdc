#include "engine/runtime/calibration.h"

#include "engine/policy/expected_kept.h"

#include <fmt/format.h>
#include <stdexcept>

namespace moescope::runtime {

namespace {

/// Throws std::runtime_error with one sentence if the file was made for another model.
void checkFits(const policy::Sensitivities& known, const model::ModelFacts& facts) {
    policy::sensitivitiesFor(known, facts.layers, facts.hash);
    const auto experts = static_cast<std::size_t>(facts.experts);
    const auto refuse = [&](std::string_view list, std::size_t has) {
        throw std::runtime_error(
            fmt::format("The calibration file {} cannot be used: {} is of {} experts and the model has {}.", known.file, list,
                        has, experts));
    };
    if (known.pairs && known.pairs->experts() != facts.experts)
        refuse("sensitivity.pair", static_cast<std::size_t>(known.pairs->experts()));
    if (!known.expertNorm.empty() && known.expertNorm.front().size() != experts)
        refuse("expert_norm", known.expertNorm.front().size());
    if (known.firstLayer && known.firstLayer->experts != facts.experts)
        refuse("first_layer_gate", static_cast<std::size_t>(known.firstLayer->experts));
    if (known.decisions && known.decisions->experts != facts.experts)
        refuse("decisions", static_cast<std::size_t>(known.decisions->experts));
    for (const auto& [policy, curves] : known.hitCurves)
        if (curves.front().size() != experts + 1)
            refuse("hit_curves." + policy, curves.front().size() - 1);
}

} // namespace

Calibration::Calibration(const std::filesystem::path& path, const model::ModelFacts& facts)
    : m_layers(facts.layers), m_topK(facts.topK) {
    const auto read = [&facts, this](const std::filesystem::path& file) {
        policy::Sensitivities known = policy::readSensitivities(file);
        checkFits(known, facts);
        m_known = std::move(known);
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

Calibration::Calibration(policy::Sensitivities known, const model::ModelFacts& facts)
    : m_layers(facts.layers), m_topK(facts.topK), m_known(std::move(known)) {
    if (!m_known.refined.empty())
        checkFits(m_known, facts);
}

policy::GateParameters Calibration::gateParameters(const Settings& settings) const {
    policy::GateParameters parameters{.threshold = settings.gateThreshold, .sensitivity = m_known.refined};
    parameters.paperSensitivity = m_known.paper;
    parameters.pairs = m_known.pairs;
    parameters.expertNorm = m_known.expertNorm;
    parameters.overrides = policy::parseLayerOverrides(settings.gateLayers);
    parameters.phases = policy::gatePhasesFrom(settings.gatePhase);
    if (!parameters.overrides.empty() && parameters.overrides.rbegin()->first >= m_layers)
        throw std::invalid_argument(fmt::format("The setting gate-layers names layer {}; the model has {}, counted from 0.",
                                                parameters.overrides.rbegin()->first, m_layers));
    return parameters;
}

policy::AllocationParameters Calibration::allocationParameters(const Settings& settings) const {
    policy::AllocationParameters parameters{.topK = m_topK};
    if (settings.gatePhase != "prefill")
        parameters.kept = policy::expectedKept(settings.gate, gateParameters(settings), m_known.secondShare, m_topK, m_layers);
    if (settings.prefetch != "none" && !m_known.recall.empty())
        parameters.prefetchHit = m_known.recall.front();
    if (const auto curves = m_known.hitCurves.find(settings.cache); curves != m_known.hitCurves.end())
        parameters.hitCurve = curves->second;
    return parameters;
}

std::unique_ptr<policy::GatePolicy> Calibration::makeGate(const Settings& settings) const {
    const policy::GateParameters parameters = gateParameters(settings);
    try {
        return policy::makeGatePolicy(settings.gate, parameters);
    } catch (const std::invalid_argument&) {
        if (m_problem.empty())
            throw;
        throw std::invalid_argument(m_problem);
    }
}

std::unique_ptr<policy::AllocationPolicy> Calibration::makeAllocation(const Settings& settings) const {
    const policy::AllocationParameters parameters = allocationParameters(settings);
    try {
        return policy::makeAllocationPolicy(settings.allocation, parameters);
    } catch (const std::invalid_argument&) {
        if (m_problem.empty())
            throw;
        throw std::invalid_argument(m_problem);
    }
}

policy::TargetThreshold Calibration::thresholdForMeanK(const Settings& settings, double target) const {
    makeGate(settings);
    if (!m_known.decisions)
        throw std::invalid_argument(
            m_known.file.empty()
                ? "A target for the experts per token needs a calibration file of this model, with router decisions."
                : fmt::format("The calibration file {} holds no router decisions to find a threshold on; make it anew.",
                              m_known.file));
    return policy::thresholdForMeanK(settings.gate, gateParameters(settings), m_known.decisions->trace(), target);
}

void Calibration::check(const Settings& settings) const {
    makeGate(settings);
    makeAllocation(settings);
}

} // namespace moescope::runtime

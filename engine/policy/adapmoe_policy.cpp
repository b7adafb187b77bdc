#include "engine/policy/adapmoe_policy.h"

#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <stdexcept>

namespace moescope::policy {

AdapmoePolicy::AdapmoePolicy(const GateParameters& parameters, Form form)
    : TailGate(parameters), m_form(form),
      m_sensitivity(form == Form::Paper ? parameters.paperSensitivity : parameters.sensitivity), m_norm(parameters.expertNorm) {
    if (m_sensitivity.empty())
        throw std::invalid_argument(
            fmt::format("The {} gate needs a calibration file with one sensitivity per layer of this model.",
                        form == Form::Paper ? "adapmoe-paper" : "adapmoe"));
    for (std::size_t layer = 0; layer < m_sensitivity.size(); ++layer)
        if (!std::isfinite(m_sensitivity[layer]) || m_sensitivity[layer] < 0)
            throw std::invalid_argument(
                fmt::format("The sensitivity of layer {} must be 0 or more, not {}.", layer, m_sensitivity[layer]));
    if (form == Form::Paper)
        return;
    for (auto& norms : m_norm) {
        const double mean = std::accumulate(norms.begin(), norms.end(), 0.0) / static_cast<double>(norms.size());
        for (double& norm : norms)
            norm = mean > 0 ? norm / mean : 1;
    }
}

double AdapmoePolicy::weightOf(const GateChoice& choice, std::size_t rank, const GateQuestion& question) const {
    const auto weight = static_cast<double>(choice.candidateWeights[rank]);
    const auto layer = static_cast<std::size_t>(question.layer);
    const std::size_t expert = choice.ids[rank];
    if (question.rule.renormalise || layer >= m_norm.size() || expert >= m_norm[layer].size())
        return weight;
    return weight * m_norm[layer][expert];
}

int AdapmoePolicy::keep(const GateChoice& choice, const GateQuestion& question, double threshold) const {
    const auto layer = static_cast<std::size_t>(question.layer);
    if (question.layer < 0 || layer >= m_sensitivity.size())
        return choice.candidates;
    double dropped = 0;
    int kept = choice.candidates;
    while (kept > 1) {
        dropped += weightOf(choice, static_cast<std::size_t>(kept - 1), question);
        if (!(dropped * dropped * m_sensitivity[layer] <= threshold))
            break;
        --kept;
    }
    return kept;
}

} // namespace moescope::policy

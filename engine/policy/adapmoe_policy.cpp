#include "engine/policy/adapmoe_policy.h"

#include "engine/policy/gate_choice.h"

#include <cmath>
#include <fmt/format.h>
#include <stdexcept>

namespace moescope::policy {

AdapmoePolicy::AdapmoePolicy(const GateParameters& parameters)
    : m_threshold(parameters.threshold), m_sensitivity(parameters.sensitivity) {
    if (!std::isfinite(m_threshold) || m_threshold < 0)
        throw std::invalid_argument(fmt::format("The gate threshold must be 0 or more, not {}.", m_threshold));
    if (m_sensitivity.empty())
        throw std::invalid_argument("The adapmoe gate needs a calibration file with one sensitivity per layer of this model.");
    for (std::size_t layer = 0; layer < m_sensitivity.size(); ++layer)
        if (!std::isfinite(m_sensitivity[layer]) || m_sensitivity[layer] < 0)
            throw std::invalid_argument(
                fmt::format("The sensitivity of layer {} must be 0 or more, not {}.", layer, m_sensitivity[layer]));
}

GateChoice AdapmoePolicy::choose(const GateQuestion& question, std::span<float> probabilities) const {
    GateChoice choice = topKChoice(question.logits, question.rule, probabilities);
    const auto layer = static_cast<std::size_t>(question.layer);
    if (m_threshold <= 0 || question.layer < 0 || layer >= m_sensitivity.size())
        return choice;
    double dropped = 0;
    int kept = choice.candidates;
    while (kept > 1) {
        dropped += static_cast<double>(choice.candidateWeights[static_cast<std::size_t>(kept - 1)]);
        if (!(dropped * dropped * m_sensitivity[layer] <= m_threshold))
            break;
        --kept;
    }
    if (kept < choice.candidates)
        keepFirst(choice, kept, question.rule);
    return choice;
}

} // namespace moescope::policy

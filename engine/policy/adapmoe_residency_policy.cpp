#include "engine/policy/adapmoe_residency_policy.h"

#include "engine/policy/gate_choice.h"
#include "engine/policy/pair_error.h"

namespace moescope::policy {

AdapmoeResidencyPolicy::AdapmoeResidencyPolicy(const GateParameters& parameters)
    : m_thresholds(parameters.threshold, parameters.overrides), m_pairs(checkedPairs(parameters, "adapmoe-residency")) {}

GateChoice AdapmoeResidencyPolicy::choose(const GateQuestion& question, std::span<float> probabilities) const {
    GateChoice choice = topKChoice(question.logits, question.rule, probabilities);
    const double threshold = m_thresholds.at(question.layer);
    if (threshold <= 0 || question.residency == nullptr || !covers(*m_pairs, question))
        return choice;
    const std::uint32_t all = firstRanks(choice.candidates);
    std::uint32_t ranks = all;
    for (int rank = choice.candidates - 1; rank > 0; --rank) {
        if (question.residency->resident(trace::expertKey(question.layer, choice.ids[static_cast<std::size_t>(rank)])))
            continue;
        const std::uint32_t fewer = ranks & ~(1U << static_cast<unsigned>(rank));
        if (!(pairError(*m_pairs, question.layer, choice, fewer) <= threshold))
            break;
        ranks = fewer;
    }
    if (ranks != all)
        keepMarked(choice, ranks, question.rule);
    return choice;
}

} // namespace moescope::policy

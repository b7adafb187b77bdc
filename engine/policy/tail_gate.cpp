#include "engine/policy/tail_gate.h"

#include "engine/policy/gate_choice.h"

#include <algorithm>

namespace moescope::policy {

GateChoice TailGate::choose(const GateQuestion& question, std::span<float> probabilities) const {
    GateChoice choice = topKChoice(question.logits, question.rule, probabilities);
    const double threshold = m_thresholds.at(question.layer);
    if (threshold <= 0 || choice.candidates == 0)
        return choice;
    const int kept = std::clamp(keep(choice, question, threshold), 1, choice.candidates);
    if (kept < choice.candidates)
        keepFirst(choice, kept, question.rule);
    return choice;
}

} // namespace moescope::policy

#include "engine/policy/adapmoe_pair_policy.h"

#include "engine/policy/pair_error.h"

namespace moescope::policy {

AdapmoePairPolicy::AdapmoePairPolicy(const GateParameters& parameters)
    : TailGate(parameters), m_pairs(checkedPairs(parameters, "adapmoe-pair")) {}

int AdapmoePairPolicy::keep(const GateChoice& choice, const GateQuestion& question, double threshold) const {
    if (!covers(*m_pairs, question))
        return choice.candidates;
    for (int kept = 1; kept < choice.candidates; ++kept)
        if (pairError(*m_pairs, question.layer, choice, firstRanks(kept)) <= threshold)
            return kept;
    return choice.candidates;
}

} // namespace moescope::policy

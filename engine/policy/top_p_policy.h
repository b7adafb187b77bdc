#pragma once
#include "engine/policy/tail_gate.h"

namespace moescope::policy {

/// Control: the smallest prefix that holds the share p = 1 - T of the chosen experts' weight, the same p for every layer
/// (post-hoc top-p routing). Immutable; any thread.
class TopPPolicy final : public TailGate {
public:
    explicit TopPPolicy(const GateParameters& parameters) : TailGate(parameters) {}
    std::string_view name() const override { return "top-p"; }

protected:
    int keep(const GateChoice& choice, const GateQuestion&, double threshold) const override {
        double all = 0;
        for (int rank = 0; rank < choice.candidates; ++rank)
            all += static_cast<double>(choice.candidateWeights[static_cast<std::size_t>(rank)]);
        double dropped = 0;
        int kept = choice.candidates;
        while (kept > 1) {
            dropped += static_cast<double>(choice.candidateWeights[static_cast<std::size_t>(kept - 1)]);
            if (!(dropped <= threshold * all))
                break;
            --kept;
        }
        return kept;
    }
};

} // namespace moescope::policy

#pragma once
#include "engine/policy/tail_gate.h"

namespace moescope::policy {

/// Control (AdapMoE's "score-based gating"): experts whose weight, as the model would use it, is at most T are dropped; the
/// best stays. The same threshold for every layer. Immutable; any thread.
class ScorePolicy final : public TailGate {
public:
    explicit ScorePolicy(const GateParameters& parameters) : TailGate(parameters) {}
    std::string_view name() const override { return "score"; }

protected:
    int keep(const GateChoice& choice, const GateQuestion&, double threshold) const override {
        int kept = choice.candidates;
        while (kept > 1 && static_cast<double>(choice.candidateWeights[static_cast<std::size_t>(kept - 1)]) <= threshold)
            --kept;
        return kept;
    }
};

} // namespace moescope::policy

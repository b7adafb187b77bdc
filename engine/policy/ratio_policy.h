#pragma once
#include "engine/policy/tail_gate.h"

namespace moescope::policy {

/// Control: experts whose weight is less than T times the best one's are dropped (NAEE, arXiv 2402.14800, and MC-MoE's online
/// pruning, arXiv 2410.06270: w2 < beta_l * w1, with beta_l per layer through the overrides). Immutable; any thread.
class RatioPolicy final : public TailGate {
public:
    explicit RatioPolicy(const GateParameters& parameters) : TailGate(parameters) {}
    std::string_view name() const override { return "ratio"; }

protected:
    int keep(const GateChoice& choice, const GateQuestion&, double threshold) const override {
        const double least = threshold * static_cast<double>(choice.candidateWeights[0]);
        int kept = choice.candidates;
        while (kept > 1 && static_cast<double>(choice.candidateWeights[static_cast<std::size_t>(kept - 1)]) < least)
            --kept;
        return kept;
    }
};

} // namespace moescope::policy

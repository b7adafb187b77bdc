#pragma once
#include "engine/policy/tail_gate.h"

namespace moescope::policy {

/// AdapMoE's rule with a sensitivity per layer and pair of experts: the smallest prefix stays whose estimated error (see
/// pairError) is at most T; for top-2 that is p_2^2 * w[l][first][second] <= T. A layer or expert beyond the table is never
/// gated. Immutable; any thread.
class AdapmoePairPolicy final : public TailGate {
public:
    /// Throws std::invalid_argument with one sentence if threshold or parameters.pairs are missing or out of range.
    explicit AdapmoePairPolicy(const GateParameters& parameters);

    std::string_view name() const override { return "adapmoe-pair"; }

protected:
    int keep(const GateChoice& choice, const GateQuestion& question, double threshold) const override;

private:
    std::shared_ptr<const PairTable> m_pairs;
};

} // namespace moescope::policy

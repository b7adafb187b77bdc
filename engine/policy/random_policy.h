#pragma once
#include "engine/policy/gate_policy.h"

namespace moescope::policy {

/// Control: each expert but the best is dropped with probability T, whatever its weight. The dice are a hash of seed, token,
/// layer and rank, so that equal questions get equal answers and a larger T drops what a smaller one does. Immutable; any
/// thread.
class RandomPolicy final : public GatePolicy {
public:
    /// Throws std::invalid_argument with one sentence unless all thresholds are finite and not negative; 1 or more drops all
    /// but the best.
    explicit RandomPolicy(const GateParameters& parameters)
        : m_thresholds(parameters.threshold, parameters.overrides), m_seed(parameters.seed) {}

    std::string_view name() const override { return "random"; }
    bool lossless() const override { return m_thresholds.allZero(); }
    GateChoice choose(const GateQuestion& question, std::span<float> probabilities) const override;

private:
    LayerThresholds m_thresholds;
    std::uint64_t m_seed = 0;
};

} // namespace moescope::policy

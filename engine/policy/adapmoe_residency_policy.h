#pragma once
#include "engine/policy/gate_policy.h"

namespace moescope::policy {

/// The pair-wise error budget T spent only where it saves a copy: candidates that are not resident are visited by rising weight
/// and dropped while the estimated error (see pairError) stays at most T. What is resident costs nothing and always runs; the
/// best expert always stays. The kept ones need not be a prefix of the ranking. Without an answer about residency nothing is
/// dropped.
///
/// In a pass of many tokens each token decides for itself, although a copy that another token needs anyway is not saved.
/// Immutable; any thread.
class AdapmoeResidencyPolicy final : public GatePolicy {
public:
    /// Throws std::invalid_argument with one sentence if threshold or parameters.pairs are missing or out of range.
    explicit AdapmoeResidencyPolicy(const GateParameters& parameters);

    std::string_view name() const override { return "adapmoe-residency"; }
    bool lossless() const override { return m_thresholds.allZero(); }
    GateChoice choose(const GateQuestion& question, std::span<float> probabilities) const override;

private:
    LayerThresholds m_thresholds;
    std::shared_ptr<const PairTable> m_pairs;
};

} // namespace moescope::policy

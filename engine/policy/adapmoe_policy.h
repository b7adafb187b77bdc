#pragma once
#include "engine/policy/gate_policy.h"

namespace moescope::policy {

/// AdapMoE's sensitivity-based gating (arXiv 2408.10284, section 4.1), generalised from top-2 to top-k: of the candidates the
/// largest tail is dropped whose weight P_D satisfies P_D^2 * w_l <= T; the best expert always stays. P_D is measured on the
/// weights as the model would use them. Threshold 0 is plain top-k. Immutable; any thread.
class AdapmoePolicy final : public GatePolicy {
public:
    /// parameters.sensitivity: w_l per layer, finite and not negative; a layer beyond it is never gated. Throws
    /// std::invalid_argument with one sentence if threshold or sensitivities are missing or out of range.
    explicit AdapmoePolicy(const GateParameters& parameters);

    std::string_view name() const override { return "adapmoe"; }
    bool lossless() const override { return m_threshold <= 0; }
    GateChoice choose(const GateQuestion& question, std::span<float> probabilities) const override;

private:
    double m_threshold = 0;
    std::vector<double> m_sensitivity;
};

} // namespace moescope::policy

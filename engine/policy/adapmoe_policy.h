#pragma once
#include "engine/policy/tail_gate.h"

namespace moescope::policy {

/// AdapMoE's sensitivity-based gating (arXiv 2408.10284, section 4.1), generalised from top-2 to top-k: of the candidates the
/// largest tail is dropped whose weight P_D satisfies P_D^2 * w_l <= T; the best expert always stays. P_D is measured on the
/// weights as the model would use them. Shared experts are no candidates and so never dropped.
///
/// Where the kept weights are renormalised the output moves by P_D * (mean kept output - mean dropped output), for top-2
/// exactly the paper's perturbation. Where they are not, it moves by the dropped sum itself, and P_D becomes the bound sum over
/// dropped of p_j * s_{l,j}, with s the mean output norm of the expert where it is known (1 where it is not).
///
/// The paper's w_l is the mean of sum_d g_d^2; the refined one is the mean of sum_d g_d^2 (f1-f2)_d^2, which already holds the
/// size of the outputs, so that norms count relative to their layer's mean. Immutable; any thread.
class AdapmoePolicy final : public TailGate {
public:
    enum class Form { Paper, Refined };

    /// parameters.sensitivity (refined) or paperSensitivity (paper): w_l per layer, finite and not negative; a layer beyond it
    /// is never gated. Throws std::invalid_argument with one sentence if threshold or sensitivities are missing or out of
    /// range.
    explicit AdapmoePolicy(const GateParameters& parameters, Form form = Form::Refined);

    std::string_view name() const override { return m_form == Form::Paper ? "adapmoe-paper" : "adapmoe"; }

protected:
    int keep(const GateChoice& choice, const GateQuestion& question, double threshold) const override;

private:
    double weightOf(const GateChoice& choice, std::size_t rank, const GateQuestion& question) const;

    Form m_form;
    std::vector<double> m_sensitivity;
    std::vector<std::vector<double>> m_norm;
};

} // namespace moescope::policy

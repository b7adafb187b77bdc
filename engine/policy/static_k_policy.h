#pragma once
#include "engine/policy/tail_gate.h"

#include <cmath>

namespace moescope::policy {

/// Control: the same smaller k' for every token. T is by how many experts k' is smaller than the model's k; a fraction is
/// spread evenly over the layers (0.5: every second layer drops one), so that any mean can be met. At least one expert.
/// Immutable; any thread.
class StaticKPolicy final : public TailGate {
public:
    explicit StaticKPolicy(const GateParameters& parameters) : TailGate(parameters) {}
    std::string_view name() const override { return "static-k"; }

protected:
    int keep(const GateChoice& choice, const GateQuestion& question, double threshold) const override {
        const double fewer = std::floor((question.layer + 1) * threshold) - std::floor(question.layer * threshold);
        return fewer >= choice.candidates ? 1 : choice.candidates - static_cast<int>(fewer);
    }
};

} // namespace moescope::policy

#pragma once
#include "engine/policy/gate_policy.h"

namespace moescope::policy {

/// Another gate in the steps it is meant for, plain top-k in the others. Owns the other gate; immutable; any thread.
class PhaseGate final : public GatePolicy {
public:
    PhaseGate(std::unique_ptr<GatePolicy> gate, GatePhases phases) : m_gate(std::move(gate)), m_phases(phases) {}

    std::string_view name() const override { return m_gate->name(); }
    bool lossless() const override { return m_gate->lossless(); }
    GateChoice choose(const GateQuestion& question, std::span<float> probabilities) const override {
        const bool decode = question.phase == trace::Phase::Decode;
        if (m_phases == GatePhases::Both || decode == (m_phases == GatePhases::Decode))
            return m_gate->choose(question, probabilities);
        return topKChoice(question.logits, question.rule, probabilities);
    }

private:
    std::unique_ptr<GatePolicy> m_gate;
    GatePhases m_phases;
};

} // namespace moescope::policy

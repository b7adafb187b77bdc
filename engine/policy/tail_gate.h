#pragma once
#include "engine/policy/gate_policy.h"

namespace moescope::policy {

/// A gate that drops a tail of the ranking, as long as the layer's threshold allows; threshold 0 is plain top-k. Concrete gates
/// say how long the rest is. Immutable; any thread.
class TailGate : public GatePolicy {
public:
    bool lossless() const final { return m_thresholds.allZero(); }
    GateChoice choose(const GateQuestion& question, std::span<float> probabilities) const final;

protected:
    /// Throws std::invalid_argument with one sentence unless all thresholds are finite and not negative.
    explicit TailGate(const GateParameters& parameters) : m_thresholds(parameters.threshold, parameters.overrides) {}

    /// How many of the candidates (at least 1 of them, all are kept yet) stay; threshold > 0. Results out of 1..candidates are
    /// clamped.
    virtual int keep(const GateChoice& choice, const GateQuestion& question, double threshold) const = 0;

private:
    LayerThresholds m_thresholds;
};

} // namespace moescope::policy

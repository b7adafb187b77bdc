#pragma once
#include "engine/policy/gate_policy.h"

namespace moescope::policy {

/// The model's own routing: the k experts of largest weight, all of them run. Stateless; any thread.
class TopkPolicy final : public GatePolicy {
public:
    std::string_view name() const override { return "topk"; }
    bool lossless() const override { return true; }
    GateChoice choose(const GateQuestion& question, std::span<float> probabilities) const override {
        return topKChoice(question.logits, question.rule, probabilities);
    }
};

} // namespace moescope::policy

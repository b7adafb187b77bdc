#pragma once
// Steps that every gate rule shares. Pure functions, no allocation.
#include "engine/policy/gate_policy.h"

namespace moescope::policy {

/// Softmax of logits into out (same length; may alias), in a fixed order: gateExp(), sum in double.
void softmax(std::span<const float> logits, std::span<float> out);

/// Keeps the first `kept` candidates (1..candidates) and gives them their weights: divided by their sum where the rule
/// renormalises, else as they are. All kept: exactly the weights of plain top-k.
void keepFirst(GateChoice& choice, int kept, RouterRule rule);

/// Keeps the candidates whose bit (by rank) is set, at least one; the kept ones move to the front, each part in its old order.
void keepMarked(GateChoice& choice, std::uint32_t ranks, RouterRule rule);

} // namespace moescope::policy

#pragma once
#include "engine/policy/gate_policy.h"

namespace moescope::policy {

/// What is known when layer `layer` has been routed, before its experts run.
struct PrefetchQuestion {
    int layer = 0;
    int layers = 0;
    int topK = 2;
    bool renormalise = true; ///< as in RouterRule
    /// predicted[d-1] = softmax of layer+d's gate applied to this layer's gate input; as many depths as the policy asked for.
    std::span<const std::span<const float>> predicted;
    const Residency* residency = nullptr; ///< resident or already on its way
    std::int64_t expertBytes = 0;
    std::int64_t budgetBytes = 0; ///< bytes this layer may ask for; 0 or less: nothing
    /// The gate that the target layer will use, so that what gating drops is not fetched. May be null.
    const GatePolicy* gate = nullptr;
    trace::TokenIndex token{};                 ///< as in GateQuestion, for the gate
    trace::Phase phase = trace::Phase::Decode; ///< as in GateQuestion, for the gate
};

struct PrefetchWish {
    trace::ExpertKey key;
    int depth = 1;
    float probability = 0;
};

/// Which experts to fetch before they are asked for. Pure.
class PrefetchPolicy {
public:
    virtual ~PrefetchPolicy() = default;
    virtual std::string_view name() const = 0;
    /// How many layers ahead it wants predictions for; 0 = none.
    virtual int depth() const = 0;
    /// Wishes in order of priority, none resident, total bytes within the budget. AdapMoE section 4.2: the farther layer only
    /// once everything predicted for the nearer one is resident or wished for.
    virtual std::vector<PrefetchWish> suggest(const PrefetchQuestion& question) const = 0;
};

std::vector<std::string> prefetchPolicyNames();
/// depth 1..3. Throws std::invalid_argument with one sentence.
std::unique_ptr<PrefetchPolicy> makePrefetchPolicy(std::string_view name, int depth);

} // namespace moescope::policy

#pragma once
#include "engine/policy/gate_policy.h"

namespace moescope::policy {

/// What is known when layer `layer` has been routed, before its experts run; or at the end of a step, for the next one.
struct PrefetchQuestion {
    int layer = 0; ///< -1: the step has ended, and what is predicted is the next step's first layer
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

struct PrefetchPlan {
    std::vector<PrefetchWish> wishes; ///< in order of priority
    /// Resident or on their way, and foreseen for the layers that were looked at: nothing may be evicted for a wish that is
    /// foreseen just as well.
    std::vector<trace::ExpertKey> foreseen;
};

struct PrefetchParameters {
    int depth = 1; ///< layers ahead, 1..3
    /// An entry that was asked for, brought in ahead or foreseen within the last so many steps (1: the present one) is live
    /// and never leaves for a guess. 0: any entry may leave that is not in use.
    int spareSteps = 1;
    /// Whether what is resident and foreseen is live as well. Off only to simulate what was recorded before that was so.
    bool spareForeseen = true;
};

/// Which experts to fetch before they are asked for. Pure.
class PrefetchPolicy {
public:
    virtual ~PrefetchPolicy() = default;
    virtual std::string_view name() const = 0;
    /// How many layers ahead it wants predictions for; 0 = none.
    virtual int depth() const = 0;
    /// As PrefetchParameters::spareSteps.
    virtual int spareSteps() const = 0;
    /// Wishes for what is not resident, total bytes within the budget. AdapMoE section 4.2: the farther layer only once
    /// everything predicted for the nearer one is resident or wished for.
    virtual PrefetchPlan suggest(const PrefetchQuestion& question) const = 0;
};

std::vector<std::string> prefetchPolicyNames();
/// Throws std::invalid_argument with one sentence if the name is unknown or a parameter out of range.
std::unique_ptr<PrefetchPolicy> makePrefetchPolicy(std::string_view name, const PrefetchParameters& parameters);

} // namespace moescope::policy

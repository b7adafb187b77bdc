#pragma once
#include "engine/policy/allocation_policy.h"

namespace moescope::policy {

/// The slots per layer with the least loads by measured hit curves: a layer with t slots loads k' * (1 - h(t)) * (1 - beta), k'
/// the mean of the experts it runs, beta the share that a prefetch brings in time. Unlike AdapMoE's closed form this knows that
/// a layer's next experts are often its last ones. Greedy by marginal gain on the convex hull. Immutable; any thread.
class CurvesPolicy final : public AllocationPolicy {
public:
    /// Throws std::invalid_argument with one sentence if hitCurve is missing or a value is out of range.
    explicit CurvesPolicy(AllocationParameters parameters);

    std::string_view name() const override { return "curves"; }
    SlotPlan plan(const AllocationQuestion& question) const override;

private:
    AllocationParameters m_parameters;
};

} // namespace moescope::policy

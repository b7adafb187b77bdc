#pragma once
#include "engine/policy/allocation_policy.h"

namespace moescope::policy {

/// Expected loads on demand of one layer and token by AdapMoE's closed form (arXiv 2408.10284, section 4.3), for 0..experts
/// slots: the experts of a token are uniform among all, cached with probability slots/experts, and a right prefetch saves one
/// load. With n experts run, J of them missing and prefetch hit rate beta it is E[J] - beta * P(J >= 1); for top-2, the paper's
///     (1-beta)(2-alpha)(1-t/N) + beta(1-alpha)(N-t)(N-1-t)/(N(N-1)).
/// Convex in the slots. kept: as a row of AllocationParameters::kept.
std::vector<double> adapmoeLoads(int experts, const std::vector<double>& kept, double prefetchHit);

/// AdapMoE's allocation: the slots per layer with the least expected loads. The cost is convex, so the greedy choice gives
/// exactly what the paper's dynamic programme does (the tests compare the two). With nothing known of the layers it is uniform.
/// Immutable; any thread.
class AdapmoeDpPolicy final : public AllocationPolicy {
public:
    /// Uses kept and prefetchHit. Throws std::invalid_argument with one sentence if a value is out of range.
    explicit AdapmoeDpPolicy(AllocationParameters parameters);

    std::string_view name() const override { return "adapmoe-dp"; }
    SlotPlan plan(const AllocationQuestion& question) const override;

private:
    AllocationParameters m_parameters;
};

} // namespace moescope::policy

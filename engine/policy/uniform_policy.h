#pragma once
#include "engine/policy/allocation_policy.h"

namespace moescope::policy {

/// Every layer gets the same number of slots, the first layers one more where it does not divide. Stateless; any thread.
class UniformPolicy final : public AllocationPolicy {
public:
    std::string_view name() const override { return "uniform"; }
    SlotPlan plan(const AllocationQuestion& question) const override;
};

} // namespace moescope::policy

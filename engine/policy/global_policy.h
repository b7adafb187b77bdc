#pragma once
#include "engine/policy/allocation_policy.h"

#include <algorithm>

namespace moescope::policy {

/// One pool for all layers: eviction alone decides who holds how much. At least one slot. Stateless; any thread.
class GlobalPolicy final : public AllocationPolicy {
public:
    std::string_view name() const override { return "global"; }
    SlotPlan plan(const AllocationQuestion& question) const override {
        const int all = question.layers * question.experts;
        return {.total = all > 0 ? std::clamp(question.slots, 1, all) : 0, .perLayer = {}};
    }
};

} // namespace moescope::policy

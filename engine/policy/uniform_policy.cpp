#include "engine/policy/uniform_policy.h"

#include <algorithm>

namespace moescope::policy {

SlotPlan UniformPolicy::plan(const AllocationQuestion& question) const {
    if (question.layers <= 0 || question.experts <= 0)
        return {};
    SlotPlan plan;
    plan.total = std::clamp(question.slots, question.layers, question.layers * question.experts);
    plan.perLayer.assign(static_cast<std::size_t>(question.layers), plan.total / question.layers);
    const int remainder = plan.total % question.layers;
    std::for_each_n(plan.perLayer.begin(), remainder, [](int& slots) { ++slots; });
    return plan;
}

} // namespace moescope::policy

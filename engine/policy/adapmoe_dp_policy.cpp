#include "engine/policy/adapmoe_dp_policy.h"

#include "engine/policy/marginal_gain.h"
#include "engine/policy/traffic.h"

#include <algorithm>
#include <numeric>

namespace moescope::policy {

std::vector<double> adapmoeLoads(int experts, const std::vector<double>& kept, double prefetchHit) {
    std::vector<double> loads(static_cast<std::size_t>(experts) + 1);
    for (int slots = 0; slots <= experts; ++slots) {
        double allCached = 1; // C(slots, n) / C(experts, n) for the n experts of a token
        double expected = 0;
        const double missing = 1 - static_cast<double>(slots) / experts;
        for (std::size_t n = 1; n <= kept.size(); ++n) {
            const int before = static_cast<int>(n) - 1;
            if (before < experts)
                allCached *= std::max(0.0, static_cast<double>(slots - before) / (experts - before));
            expected += kept[n - 1] * (static_cast<double>(n) * missing - prefetchHit * (1 - allCached));
        }
        loads[static_cast<std::size_t>(slots)] = expected;
    }
    return loads;
}

AdapmoeDpPolicy::AdapmoeDpPolicy(AllocationParameters parameters) : m_parameters(std::move(parameters)) {
    checkTraffic(m_parameters);
}

SlotPlan AdapmoeDpPolicy::plan(const AllocationQuestion& question) const {
    if (question.layers <= 0 || question.experts <= 0)
        return {};
    checkTrafficFits(m_parameters, question);
    std::vector<std::vector<double>> cost;
    cost.reserve(static_cast<std::size_t>(question.layers));
    for (int layer = 0; layer < question.layers; ++layer)
        cost.push_back(adapmoeLoads(question.experts, keptAt(m_parameters, layer), prefetchHitAt(m_parameters, layer)));
    SlotPlan plan;
    plan.total = std::clamp(question.slots, question.layers, question.layers * question.experts);
    plan.perLayer = allocateByGain(cost, plan.total);
    return plan;
}

} // namespace moescope::policy

#include "engine/policy/curves_policy.h"

#include "engine/policy/marginal_gain.h"
#include "engine/policy/traffic.h"

#include <algorithm>
#include <stdexcept>

namespace moescope::policy {

CurvesPolicy::CurvesPolicy(AllocationParameters parameters) : m_parameters(std::move(parameters)) {
    if (m_parameters.hitCurve.empty())
        throw std::invalid_argument(
            "The allocation 'curves' needs a calibration file with hit curves of this model for the cache "
            "policy in use.");
    checkTraffic(m_parameters);
}

SlotPlan CurvesPolicy::plan(const AllocationQuestion& question) const {
    if (question.layers <= 0 || question.experts <= 0)
        return {};
    checkTrafficFits(m_parameters, question);
    std::vector<std::vector<double>> cost;
    for (int layer = 0; layer < question.layers; ++layer) {
        const std::vector<double> kept = keptAt(m_parameters, layer);
        double mean = 0;
        for (std::size_t n = 0; n < kept.size(); ++n)
            mean += kept[n] * static_cast<double>(n + 1);
        const double asked = mean * (1 - prefetchHitAt(m_parameters, layer));
        auto& loads = cost.emplace_back(m_parameters.hitCurve[static_cast<std::size_t>(layer)]);
        for (double& value : loads)
            value = asked * (1 - value);
    }
    SlotPlan plan;
    plan.total = std::clamp(question.slots, question.layers, question.layers * question.experts);
    plan.perLayer = allocateByGain(cost, plan.total);
    return plan;
}

} // namespace moescope::policy

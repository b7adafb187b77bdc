#include "engine/policy/marginal_gain.h"

#include <algorithm>
#include <cmath>

namespace moescope::policy {

namespace {

struct Step {
    int size = 0; ///< 0: the layer is full
    double rate = 0;
};

Step bestStep(const std::vector<double>& cost, int slots, int most, double tolerance) {
    Step best;
    const int experts = static_cast<int>(cost.size()) - 1;
    const double now = cost[static_cast<std::size_t>(slots)];
    for (int size = 1; size <= std::min(most, experts - slots); ++size) {
        const double rate = (now - cost[static_cast<std::size_t>(slots + size)]) / size;
        if (best.size == 0 || rate > best.rate + tolerance)
            best = {size, rate};
    }
    return best;
}

} // namespace

std::vector<int> allocateByGain(std::span<const std::vector<double>> cost, int slots) {
    std::vector<int> given(cost.size(), 1);
    int left = slots - static_cast<int>(cost.size());
    double largest = 0;
    for (const auto& curve : cost)
        for (const double value : curve)
            largest = std::max(largest, std::fabs(value));
    // Gains that differ only by rounding are equal.
    const double tolerance = largest * 1e-12;

    std::vector<Step> steps;
    for (const auto& curve : cost)
        steps.push_back(bestStep(curve, 1, left, tolerance));
    while (left > 0) {
        std::size_t best = cost.size();
        for (std::size_t layer = 0; layer < cost.size(); ++layer) {
            if (steps[layer].size > left)
                steps[layer] = bestStep(cost[layer], given[layer], left, tolerance);
            if (steps[layer].size == 0)
                continue;
            const double ahead = best == cost.size() ? 1 : steps[layer].rate - steps[best].rate;
            if (best == cost.size() || ahead > tolerance || (ahead >= -tolerance && given[layer] < given[best]))
                best = layer;
        }
        if (best == cost.size())
            break;
        given[best] += steps[best].size;
        left -= steps[best].size;
        steps[best] = bestStep(cost[best], given[best], left, tolerance);
    }
    return given;
}

} // namespace moescope::policy

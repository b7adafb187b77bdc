#include "engine/policy/traffic.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <stdexcept>

namespace moescope::policy {

namespace {

bool allShares(const std::vector<double>& values) {
    return std::all_of(values.begin(), values.end(), [](double value) { return value >= 0 && value <= 1; });
}

[[noreturn]] void refuse(const std::string& reason) {
    throw std::invalid_argument(fmt::format("The allocation cannot be planned: {}.", reason));
}

} // namespace

std::vector<double> keptAt(const AllocationParameters& parameters, int layer) {
    if (!parameters.kept.empty())
        return parameters.kept[static_cast<std::size_t>(layer)];
    std::vector<double> all(static_cast<std::size_t>(std::max(1, parameters.topK)));
    all.back() = 1;
    return all;
}

double prefetchHitAt(const AllocationParameters& parameters, int layer) {
    return parameters.prefetchHit.empty() ? 0 : parameters.prefetchHit[static_cast<std::size_t>(layer)];
}

void checkTraffic(const AllocationParameters& parameters) {
    for (std::size_t layer = 0; layer < parameters.kept.size(); ++layer) {
        const auto& kept = parameters.kept[layer];
        if (!allShares(kept) || std::fabs(std::accumulate(kept.begin(), kept.end(), 0.0) - 1) > 1e-6)
            refuse(fmt::format("the shares of tokens by experts run at layer {} do not sum to 1", layer));
    }
    if (!allShares(parameters.prefetchHit))
        refuse("a prefetch hit rate is not from 0 to 1");
    for (std::size_t layer = 0; layer < parameters.hitCurve.size(); ++layer)
        if (!allShares(parameters.hitCurve[layer]))
            refuse(fmt::format("the hit curve of layer {} is not from 0 to 1", layer));
}

void checkTrafficFits(const AllocationParameters& parameters, const AllocationQuestion& question) {
    const auto layers = static_cast<std::size_t>(question.layers);
    const auto points = static_cast<std::size_t>(question.experts) + 1;
    const auto fits = [layers](const auto& list) { return list.empty() || list.size() == layers; };
    if (!fits(parameters.kept) || !fits(parameters.prefetchHit) || !fits(parameters.hitCurve))
        refuse(fmt::format("what is known of the layers' traffic is not of a model with {} layers", layers));
    for (const auto& curve : parameters.hitCurve)
        if (curve.size() != points)
            refuse(fmt::format("a hit curve has {} points and {} experts need {}", curve.size(), question.experts, points));
}

} // namespace moescope::policy

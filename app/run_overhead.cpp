#include "app/run_overhead.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace moescope::app {
namespace {

/// Linear between the neighbours.
double quantile(std::vector<double> values, double share) {
    if (values.empty())
        return 0;
    std::sort(values.begin(), values.end());
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (values[above] - values[below]) * (place - std::floor(place));
}

} // namespace

trace::OverheadMeasured overheadOf(std::span<const OverheadPair> pairs) {
    std::vector<double> off;
    std::vector<double> on;
    std::vector<double> shares;
    for (const OverheadPair& pair : pairs) {
        if (pair.offNs <= 0 || pair.onNs <= 0)
            continue;
        off.push_back(pair.offNs);
        on.push_back(pair.onNs);
        shares.push_back(pair.onNs / pair.offNs - 1);
    }
    trace::OverheadMeasured measured;
    measured.pairs = static_cast<std::int32_t>(off.size());
    measured.offTokenNs = std::llround(quantile(off, 0.5));
    measured.onTokenNs = std::llround(quantile(on, 0.5));
    measured.lowShare = static_cast<float>(quantile(shares, 0.25));
    measured.highShare = static_cast<float>(quantile(shares, 0.75));
    return measured;
}

} // namespace moescope::app

#include "app/run_overhead.h"

#include "app/run_quantile.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace moescope::app {
namespace {

std::vector<double> sharesOf(std::span<const OverheadPair> pairs) {
    std::vector<double> shares;
    for (const OverheadPair& pair : pairs)
        if (pair.offNs > 0 && pair.onNs > 0)
            shares.push_back(pair.onNs / pair.offNs - 1);
    std::sort(shares.begin(), shares.end());
    return shares;
}

/// How many of n values may lie outside on each side so that the median is between the rest with 95 % confidence: the most for
/// which a fair coin falls so seldom that often.
std::size_t outside(std::size_t n) {
    double chance = std::pow(0.5, static_cast<double>(n));
    double below = 0;
    std::size_t k = 0;
    for (; k < n / 2; ++k) {
        below += chance;
        if (2 * below > 0.05)
            break;
        chance *= static_cast<double>(n - k) / static_cast<double>(k + 1);
    }
    return k > 0 ? k - 1 : 0;
}

} // namespace

OverheadShares overheadShares(std::span<const OverheadPair> pairs) {
    const std::vector<double> shares = sharesOf(pairs);
    if (shares.empty())
        return {};
    const std::size_t out = outside(shares.size());
    return {quantile(shares, 0.5), shares[out], shares[shares.size() - 1 - out]};
}

trace::OverheadMeasured overheadOf(std::span<const OverheadPair> pairs) {
    std::vector<double> off;
    std::vector<double> on;
    const std::vector<double> shares = sharesOf(pairs);
    for (const OverheadPair& pair : pairs) {
        if (pair.offNs <= 0 || pair.onNs <= 0)
            continue;
        off.push_back(pair.offNs);
        on.push_back(pair.onNs);
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

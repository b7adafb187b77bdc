#include "ui/gating_geometry.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

namespace moescope::ui {

double shareAtThreshold(double threshold, double sensitivity) {
    if (threshold <= 0)
        return 0;
    return sensitivity > 0 ? std::sqrt(threshold / sensitivity) : 2;
}

double thresholdAtShare(double share, double sensitivity) {
    const double clamped = std::clamp(share, 0.0, 1.0);
    return clamped * clamped * std::max(0.0, sensitivity);
}

double meanSensitivity(const std::vector<double>& sensitivities) {
    if (sensitivities.empty())
        return 1;
    return std::accumulate(sensitivities.begin(), sensitivities.end(), 0.0) / static_cast<double>(sensitivities.size());
}

double wouldDrop(const analysis::GateHistogram& histogram, double share) {
    if (histogram.decisions <= 0 || histogram.kept.empty())
        return -1;
    const double bins = static_cast<double>(histogram.kept.size());
    const double edge = std::clamp(share / histogram.upper, 0.0, 1.0) * bins;
    double below = 0;
    for (std::size_t bin = 0; bin < histogram.kept.size(); ++bin) {
        const double part = std::clamp(edge - static_cast<double>(bin), 0.0, 1.0);
        below += part * (histogram.kept[bin] + histogram.dropped[bin]);
    }
    return below / static_cast<double>(histogram.decisions);
}

std::string thresholdText(double threshold) {
    return fmt::format("{:.3g}", threshold);
}

} // namespace moescope::ui

#include "engine/policy/expected_kept.h"

#include "engine/policy/sensitivities.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace moescope::policy {

namespace {

/// The second weight up to which the gate drops it at this layer.
double weightLimit(std::string_view gate, const GateParameters& parameters, std::size_t layer, double threshold) {
    const auto bySensitivity = [&](const std::vector<double>& sensitivity) {
        if (layer >= sensitivity.size())
            return -1.0;
        return sensitivity[layer] > 0 ? std::sqrt(threshold / sensitivity[layer]) : std::numeric_limits<double>::infinity();
    };
    if (gate == "score" || gate == "top-p")
        return threshold;
    if (gate == "ratio")
        return threshold / (1 + threshold);
    return bySensitivity(gate == "adapmoe-paper" ? parameters.paperSensitivity : parameters.sensitivity);
}

} // namespace

std::vector<std::vector<double>> expectedKept(std::string_view gate, const GateParameters& parameters,
                                              const std::vector<std::vector<double>>& quantiles, int topK, int layers) {
    const LayerThresholds thresholds(parameters.threshold, parameters.overrides);
    const bool blind = gate == "static-k" || gate == "random";
    if (gate == "topk" || topK != 2 || thresholds.allZero() || (!blind && static_cast<int>(quantiles.size()) != layers))
        return {};
    std::vector<std::vector<double>> kept;
    for (int layer = 0; layer < layers; ++layer) {
        const auto at = static_cast<std::size_t>(layer);
        const double threshold = thresholds.at(layer);
        double single = 0;
        if (threshold > 0 && gate == "random")
            single = std::min(1.0, threshold);
        else if (threshold > 0 && gate == "static-k")
            single = std::min(1.0, std::floor((layer + 1) * threshold) - std::floor(layer * threshold));
        else if (threshold > 0)
            single = shareUpTo(quantiles[at], weightLimit(gate, parameters, at, threshold));
        kept.push_back({single, 1 - single});
    }
    return kept;
}

} // namespace moescope::policy

#pragma once
// Everything that may change between two tokens, under the names that flags, commands and sessions use.
#include <string>
#include <string_view>
#include <vector>

namespace moescope::runtime {

struct Settings {
    std::string gate = "topk";
    double gateThreshold = 0;
    std::string gateLayers = "none"; ///< layers with a threshold of their own, as policy::formatLayerOverrides writes them
    std::string gatePhase = "both";  ///< steps in which the gate may drop experts
    std::string cache = "lru";
    std::string cacheWeights = "0.25,0.5,0.25"; ///< of the cache policy `weighted`
    int cacheExperts = 0;                       ///< slots over all layers; 0 = all experts resident
    std::string allocation = "uniform";
    std::string prefetch = "none";
    int prefetchDepth = 1;
    double prefetchBudgetMb = 1.0;  ///< per layer of a step, 10^6 bytes; kAutoBudget: what the link's spare time allows
    int prefetchSpareSteps = 1;     ///< as policy::PrefetchParameters::spareSteps
    bool prefetchFirstLayer = true; ///< also guess at the next step's first layer, if the calibration holds a gate for it
    bool prefetchWatch = true;      ///< rest guesses while they cost more than they gain
    std::string link = "none";
    std::string missService = "copy"; ///< who computes a missed expert: copy, cpu or hybrid
    static constexpr double kAutoBudget = -1;
    friend bool operator==(const Settings&, const Settings&) = default;
};

/// Names in the order of the struct: gate, gate-threshold, gate-layers, gate-phase, cache, cache-weights, cache-experts,
/// allocation, prefetch, prefetch-depth, prefetch-budget-mb, prefetch-spare-steps, prefetch-first-layer, prefetch-watch, link,
/// miss-service.
/// The command-line flag is "--" + name.
std::vector<std::string> settingNames();
std::string settingValue(const Settings& settings, std::string_view name);
/// Checks and sets one value. Throws std::invalid_argument with one sentence naming the setting, the value and what is allowed.
void setSetting(Settings& settings, std::string_view name, std::string_view value);

} // namespace moescope::runtime

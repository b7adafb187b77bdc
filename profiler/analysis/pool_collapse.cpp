#include "profiler/analysis/pool_collapse.h"

#include <algorithm>
#include <fmt/format.h>

namespace moescope::analysis {

void derivePoolCollapse(const Snapshot& snapshot, Summary& summary) {
    const bool pool = snapshot.slotsTotal > 0 && !snapshot.layerLives.empty() && snapshot.layerLives.front().slots < 0;
    summary.poolSlots = pool ? snapshot.slotsTotal : 0;
    summary.expertsPerToken = summary.meanExpertsPerTokenLayer * snapshot.layers;
    const bool lru = std::any_of(snapshot.settings.begin(), snapshot.settings.end(),
                                 [](const auto& setting) { return setting.first == "cache" && setting.second == "lru"; });
    summary.poolCollapse = pool && lru && static_cast<double>(summary.poolSlots) < summary.expertsPerToken;
}

std::string poolCollapseSentence(const Summary& summary) {
    if (!summary.poolCollapse)
        return {};
    return fmt::format("The global pool of {} slots is smaller than one token's {:.4g} experts: LRU evicts each expert just "
                       "before it is used again.",
                       summary.poolSlots, summary.expertsPerToken);
}

} // namespace moescope::analysis

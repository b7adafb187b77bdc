#pragma once
#include <span>
#include <vector>

namespace moescope::policy {

/// Shares slots out so that the summed cost is least. cost[layer][slots], slots 0..experts, the same length for all layers.
/// Every layer gets at least one slot; `slots` in all, within layers..layers*experts.
///
/// Greedy by marginal gain on the convex hull: the next slots go to the layer that saves most per slot, by a step of one slot
/// or of as many as make the best average. Optimal for convex costs (AdapMoE's closed form is convex: arXiv 2408.10284 solves
/// it by a dynamic programme, with the same result); for others optimal but for the last, cut-off step. Equal gains go to the
/// layer with the fewest slots, then to the lower one.
std::vector<int> allocateByGain(std::span<const std::vector<double>> cost, int slots);

} // namespace moescope::policy

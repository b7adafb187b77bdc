#pragma once
#include "engine/policy/gate_policy.h"

namespace moescope::policy {

/// What a top-2 gate will do, from what calibration knows of the second weight: kept[layer] = {share of tokens that run one
/// expert, share that run two}, an estimate for allocations. quantiles[layer]: of the second weight (as the model uses it),
/// evenly from 0 to 1. The pair-wise gates are taken by their layer's mean. Empty if nothing can be said: the gate is lossless,
/// topK is not 2, or the gate goes by the weight and no quantiles are known.
std::vector<std::vector<double>> expectedKept(std::string_view gate, const GateParameters& parameters,
                                              const std::vector<std::vector<double>>& quantiles, int topK, int layers);

} // namespace moescope::policy

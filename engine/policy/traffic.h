#pragma once
// What allocations ask of their parameters. Pure functions.
#include "engine/policy/allocation_policy.h"

namespace moescope::policy {

/// Shares of tokens by experts run at the layer, [topK].
std::vector<double> keptAt(const AllocationParameters& parameters, int layer);
double prefetchHitAt(const AllocationParameters& parameters, int layer);

/// Throws std::invalid_argument with one sentence if a share or rate is out of 0..1 or shares do not sum to 1.
void checkTraffic(const AllocationParameters& parameters);
/// Throws std::invalid_argument with one sentence if a list is of a model of another shape.
void checkTrafficFits(const AllocationParameters& parameters, const AllocationQuestion& question);

} // namespace moescope::policy

#pragma once
#include <cstdint>
#include <vector>

namespace moescope::analysis {

/// The fewest experts whose runs make up at least `share` (0..1) of all; 0 if nothing ran. runs is [experts].
int expertsForShare(std::vector<std::int64_t> runs, double share);

} // namespace moescope::analysis

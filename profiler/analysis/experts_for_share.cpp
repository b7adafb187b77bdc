#include "profiler/analysis/experts_for_share.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace moescope::analysis {

int expertsForShare(std::vector<std::int64_t> runs, double share) {
    const std::int64_t total = std::accumulate(runs.begin(), runs.end(), std::int64_t{0});
    if (total == 0)
        return 0;
    std::sort(runs.begin(), runs.end(), std::greater<>());
    // A run less than a whole one must not count as reached because 0.9 has no exact binary form.
    const double wanted = share * static_cast<double>(total) - 1e-9;
    double reached = 0;
    int experts = 0;
    while (reached < wanted) {
        reached += static_cast<double>(runs[static_cast<std::size_t>(experts)]);
        ++experts;
    }
    return experts;
}

} // namespace moescope::analysis

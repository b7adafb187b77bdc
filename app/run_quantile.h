#pragma once
#include <vector>

namespace moescope::app {

/// Linear between the sorted values; share 0..1; 0 for none.
double quantile(std::vector<double> values, double share);

} // namespace moescope::app

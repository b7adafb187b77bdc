#pragma once
#include "profiler/analysis/device_traffic.h"

#include <string>
#include <utility>
#include <vector>

namespace moescope::analysis {

/// "copies", "launches and waits", "kernels", or "the engine's own events" for level 0.
std::string traceLevelWords(int level);

/// What the link was measured to carry, beside what it is built for.
std::string linkLimitWords(const DeviceTraffic& device);

/// On minus off as a share of off; how much longer a token took while the device was recorded.
double overheadShare(const trace::OverheadMeasured& measured);

/// Rows of a report, label and value, about what the device's tracer saw. Empty for a session that was not traced.
std::vector<std::pair<std::string, std::string>> deviceRows(const DeviceTraffic& device);

} // namespace moescope::analysis

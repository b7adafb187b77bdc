#pragma once
#include "profiler/analysis/snapshot.h"

#include <string>

namespace moescope::analysis {

/// The report for people: what ran where under which settings, the conversation, and the figures with their units. What was
/// emulated or simulated says so. Ends with a newline.
std::string summaryText(const Snapshot& snapshot);

/// "1.25 MB": decimal units, three significant digits.
std::string sizeText(std::int64_t bytes);

} // namespace moescope::analysis

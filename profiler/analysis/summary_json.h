#pragma once
#include "profiler/analysis/snapshot.h"

#include <string>

namespace moescope::analysis {

/// The report for programs: one JSON object with every figure of the Summary under its snake_case key, and beside them
/// `model`, `machine`, `settings` (as in force at the end), `origin`, `finished` and `turns`. Rates that are not defined are
/// null. Times in ms or s as the key says, sizes in bytes. Text that is not UTF-8 is repaired with U+FFFD.
std::string summaryJson(const Snapshot& snapshot);

} // namespace moescope::analysis

#pragma once
#include "profiler/analysis/snapshot.h"

#include <vector>

namespace moescope::ui {

/// w_l of AdapMoE per layer of the session's model: what the session says ("sensitivities" among its settings, separated by
/// commas), else the calibration file beside the model, if this machine has it. Empty when neither fits.
std::vector<double> sessionSensitivities(const analysis::Snapshot& snapshot);

} // namespace moescope::ui

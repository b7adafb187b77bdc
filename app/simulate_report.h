#pragma once
// What `simulate` prints.
#include "profiler/simulate/sweep.h"

#include <string>

namespace moescope::app {

/// Recorded and simulated figures side by side, then the caveat.
std::string simulationText(const simulate::Simulator& simulator, const simulate::Scenario& scenario,
                           const simulate::Figures& figures);
/// {"estimate": true, "approximate_gating", "session", "scenario", "caveat", "recorded": {...}, "simulated": {...}}
std::string simulationJson(const simulate::Simulator& simulator, const simulate::Scenario& scenario,
                           const simulate::Figures& figures);
std::string sweepText(const simulate::Simulator& simulator, const simulate::Scenario& scenario,
                      const std::vector<simulate::SweepAxis>& axes, const std::vector<simulate::SweepPoint>& points);
/// As simulationJson, with "points": [{"settings": {...}, figures...}] instead of "simulated".
std::string sweepJson(const simulate::Simulator& simulator, const simulate::Scenario& scenario,
                      const std::vector<simulate::SweepAxis>& axes, const std::vector<simulate::SweepPoint>& points);

} // namespace moescope::app

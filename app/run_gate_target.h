#pragma once
#include "engine/policy/target_k.h"
#include "engine/runtime/engine.h"

#include <string>

namespace moescope::app {

/// Not a setting: a wish for the mean experts per token and layer, from which the setting gate-threshold follows.
inline constexpr const char* kGateTarget = "gate-target-k";

/// What the flag does, for --help.
inline constexpr const char* kGateTargetHelp =
    "Find the gate's threshold for this mean number of experts per token and layer, on the router decisions in the "
    "calibration. Thresholds do not travel between models, this does. Example: 1.5";

/// "1.5" as a number; throws std::invalid_argument with one sentence.
double gateTargetFrom(const std::string& text);

/// The sentence that says which threshold was found on `where`. Throws std::invalid_argument with one sentence if the gate
/// cannot drop so much.
std::string describeTarget(const std::string& gate, double target, const policy::TargetThreshold& found,
                           const std::string& where);

/// Sets options.settings.gateThreshold from the calibration that the engine will read; returns the sentence.
std::string applyGateTarget(runtime::EngineOptions& options, const std::string& target);

} // namespace moescope::app

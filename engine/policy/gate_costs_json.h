#pragma once
#include "engine/policy/gate_costs.h"

#include <nlohmann/json.hpp>

namespace moescope::policy {

/// The member "gate_costs" of a calibration file: {"text": "...", "tokens": N, "points": [{"gate", "threshold",
/// "mean_experts", "single_share", "mean_kl", "perplexity_ratio"}], "quantisation": [{"type", "mean_kl", "perplexity_ratio"}]}.
/// All of it must be there, gates by a name that this program knows. Throws std::runtime_error with one sentence.
GateCosts parseGateCosts(const nlohmann::json& json, const std::string& file);
/// What parseGateCosts reads; figures with six digits.
nlohmann::ordered_json gateCostsJson(const GateCosts& costs);

} // namespace moescope::policy

#pragma once
// What a gate would have made of the router decisions that a session recorded: the real policies on them, no second copy of
// their rules. Pure functions.
#include "engine/policy/sensitivities.h"
#include "engine/policy/target_k.h"
#include "profiler/analysis/range_figures.h"

namespace moescope::analysis {

/// What the session knows of its model's sensitivities: its calibration, else the list of w_l that older files hold, else
/// null. A calibration that cannot be read counts as none.
std::shared_ptr<const policy::Sensitivities> readCalibration(const session::SessionInfo& info);

/// What the named settings make of the gate: gate-threshold, gate-layers and gate-phase of `settings`, everything else from
/// `known` (may be null). Values that cannot be read count as not given.
policy::GateParameters gateParameters(const policy::Sensitivities* known,
                                      const std::vector<std::pair<std::string, std::string>>& settings);

/// The newest decode decisions of the range (prefill ones if it has no others), whole tokens, at most `numbers` probabilities
/// in all (decisions x experts), or the decisions of one token if even they are more. Sessions keep the chosen experts'
/// weights as float16; what is left of the probability is spread evenly over the experts that were not chosen, which no gate
/// looks at.
policy::DecisionTrace recordedDecisions(const Snapshot& snapshot, TokenRange range, std::size_t numbers = 1U << 18U);
/// Of all tokens so far.
policy::DecisionTrace recordedDecisions(const Snapshot& snapshot);

/// The median of (second weight / first weight) per layer over the decode decisions of the range, [layers], 0 where there are
/// none: the beta_l of NAEE (arXiv 2402.14800) and mu_l of MC-MoE (arXiv 2410.06270), which drop the second expert below it.
std::vector<double> medianRatios(const Snapshot& snapshot, TokenRange range);

} // namespace moescope::analysis

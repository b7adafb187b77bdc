#pragma once
#include "engine/policy/gate_costs.h"
#include "engine/policy/target_k.h"
#include "profiler/analysis/snapshot.h"

#include <QString>
#include <optional>

namespace moescope::ui {

/// What a gate does to the session's own decisions. Pure functions; a negative figure is not known.
struct GateEstimate {
    double meanExperts = -1; ///< per token and layer
    double singleShare = -1; ///< of the decisions
    /// With adapmoe-residency what is resident runs after all: between meanExperts (nothing is) and this (all is).
    double mostExperts = -1;
    bool known() const { return meanExperts > 0; }
};
/// Throws nothing: a gate that cannot be built with these parameters is not known.
GateEstimate estimateGate(const QString& gate, const policy::GateParameters& parameters, const policy::DecisionTrace& trace);

/// Both figures of the headline, always together: "1.52 experts · 48 % single · 24 % fewer". A quarter of the decisions with a
/// single expert are only an eighth fewer executions of a top-2 model.
QString headline(double meanExperts, double singleShare, int topK);
QString headline(const GateEstimate& estimate, int topK);

/// What the calibration measured for the gate at that threshold: a line between the measured points, the plain model's at 0.
/// Nothing where the gate was not measured. Beyond the last point: that point.
std::optional<policy::GateCostPoint> costAt(const policy::GateCosts& costs, const QString& gate, double threshold, int topK);
/// The same by mean experts, for gates with thresholds of their own per layer.
std::optional<policy::GateCostPoint> costAtMean(const policy::GateCosts& costs, const QString& gate, double meanExperts,
                                                int topK);
/// The gate's points by falling mean experts, the plain model first; empty if it was not measured.
std::vector<policy::GateCostPoint> costCurve(const policy::GateCosts& costs, const QString& gate, int topK);

/// The same for what is in force at the snapshot's cursor.
std::optional<policy::GateCostPoint> costInForce(const analysis::Snapshot& snapshot);

/// "KL 0.013 · perplexity +1.1 %"
QString costFigures(const policy::GateCostPoint& point);
/// On the scale of quantisation losses: "between Q8_0 and Q4_0, 0.4 × of Q4_0's loss"; empty without a scale.
QString costWords(const policy::GateCostPoint& point, const policy::GateCosts& costs);

} // namespace moescope::ui

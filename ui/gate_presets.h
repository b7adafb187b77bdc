#pragma once
#include "profiler/analysis/snapshot.h"
#include "ui/control_values.h"
#include "ui/gate_estimate.h"

namespace moescope::ui {

/// Settings of the gate by what they do, since thresholds do not travel between models.
enum class GatePreset { Off, PaperShare, QuarterFewer, Naee, McMoe, Hobbit };
inline constexpr int kGatePresets = 6;
QString presetName(GatePreset preset);
/// What it is, where it was published, and what it does here.
QString presetTip(GatePreset preset);

/// What a preset is worked out from. Values, so that it can be done away from the window's thread.
struct PresetQuestion {
    QString gate; ///< in force; kept where it has a threshold that can be found
    int topK = 2;
    std::shared_ptr<const policy::Sensitivities> known; ///< may be null
    std::shared_ptr<const policy::DecisionTrace> decisions;
    std::vector<double> medianRatios; ///< [layers]
};
PresetQuestion presetQuestion(const analysis::Snapshot& snapshot, const QString& gate);

struct PresetAnswer {
    ControlValues values;  ///< to set; empty: nothing to set
    QString problem;       ///< one sentence why it cannot be worked out here
    GateEstimate expected; ///< on the session's own decisions
};
/// Finds the thresholds on the session's own decisions: by bisection to the wanted mean number of experts (policy::
/// thresholdForMeanK), NAEE and MC-MoE from the layers' median weight ratios. Without decisions, from the measured costs.
/// Takes up to a second for a large model.
PresetAnswer resolve(GatePreset preset, const PresetQuestion& question);

/// HOBBIT's bands (arXiv 2411.01433) on the axis of dropped weight: a second expert that is missing is skipped below
/// `skipBelow`, fetched in low precision below `lowBelow`, else in high: T2 = 0.9 and T1 = 0.6 on the first weight. A picture
/// of the method; nothing here acts on it, for there is no precision policy yet.
struct HobbitBands {
    double skipBelow = 0.1;
    double lowBelow = 0.4;
};

} // namespace moescope::ui

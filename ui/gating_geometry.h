#pragma once
#include "profiler/analysis/range_figures.h"

#include <vector>

namespace moescope::ui {

/// The AdapMoE rule drops the second-and-later experts while P_D^2 * w <= T (section 4.1). These turn the threshold T into
/// the weight share P_D at which it acts for sensitivity w, and back. A share above 1 never ends: everything is dropped.
double shareAtThreshold(double threshold, double sensitivity);
double thresholdAtShare(double share, double sensitivity);
/// The sensitivity that stands for several layers: their mean, 1 when none is known.
double meanSensitivity(const std::vector<double>& sensitivities);
/// Share of the histogram's decisions whose droppable weight is at most that share; -1 without decisions.
double wouldDrop(const analysis::GateHistogram& histogram, double share);
/// A threshold as a setting's value: short, and read back as the same number.
std::string thresholdText(double threshold);

} // namespace moescope::ui

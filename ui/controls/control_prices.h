#pragma once
#include "profiler/analysis/snapshot.h"

#include <QString>
#include <vector>

namespace moescope::ui {

/// What a setting costs or saves, reckoned from what the session recorded. Pure.

/// Mean experts per token and layer that the AdapMoE rule (arXiv 2408.10284, section 4.1: drop the largest tail with
/// P_D^2 * w_l <= threshold) would have kept over the last `decisions` recorded decode decisions; -1 without any. `sensitivity`
/// holds w_l per layer.
double expectedExperts(const analysis::Snapshot& snapshot, double threshold, const std::vector<double>& sensitivity,
                       std::size_t decisions = 8192);

/// "13.4 MB of 26.8 MB · hit 0.71, optimum 0.80"
QString slotsPrice(const analysis::Snapshot& snapshot, int slots);
/// "recall 0.91 · precision 0.77"
QString prefetchPrice(const analysis::Snapshot& snapshot);
/// "4.20 MB per token · stall 0.9 ms"
QString linkPrice(const analysis::Snapshot& snapshot);
/// All experts of all layers, 0 if the model is not known.
int expertCount(const analysis::Snapshot& snapshot);

} // namespace moescope::ui

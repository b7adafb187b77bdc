#pragma once
#include "profiler/analysis/snapshot.h"

#include <QString>

namespace moescope::ui {

/// What a setting costs or saves, reckoned from what the session recorded. Pure.

/// "13.4 MB of 26.8 MB · hit 0.71, optimum 0.80 · calibration 0.74": the last is what the calibration's curve of that cache
/// policy says for so many slots, shared out evenly.
QString slotsPrice(const analysis::Snapshot& snapshot, int slots, const QString& cache);
/// "recall 0.91 · precision 0.77 · hides 0.4 ms · 2.1 MB per token"
QString prefetchPrice(const analysis::Snapshot& snapshot);
/// "4.20 MB per token · stall 0.9 ms"
QString linkPrice(const analysis::Snapshot& snapshot);
/// All experts of all layers, 0 if the model is not known.
int expertCount(const analysis::Snapshot& snapshot);

} // namespace moescope::ui

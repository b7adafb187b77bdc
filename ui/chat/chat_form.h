#pragma once
#include "profiler/analysis/snapshot.h"

#include <QString>

namespace moescope::ui {

/// "chat form ChatML", and that it is assumed if so; empty for sessions that do not say it.
QString chatFormText(const analysis::Snapshot& snapshot);

} // namespace moescope::ui

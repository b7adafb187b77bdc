#pragma once
#include "profiler/analysis/snapshot.h"

#include <QString>

namespace moescope::ui {

/// Index of the last pass that began at or before the time, -1 if none did.
int passAt(const analysis::Snapshot& snapshot, trace::TimeNs time);
/// Index of the pass that read the token, -1 if none did yet.
int passOf(const analysis::Snapshot& snapshot, trace::TokenIndex token);
/// What the pass read, on one line: the token's text, or "24 prompt tokens".
QString passText(const analysis::Snapshot& snapshot, const analysis::PassRecord& pass);

} // namespace moescope::ui

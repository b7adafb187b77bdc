#pragma once
#include "profiler/analysis/snapshot.h"
#include "ui/selection.h"

#include <optional>
#include <vector>

namespace moescope::ui {

/// Tokens whose routing is known, counted from the first.
int routedTokens(const analysis::Snapshot& snapshot);
/// The token whose experts are outlined: the selection's effective one, else the last that was routed.
std::optional<trace::TokenIndex> outlinedToken(const analysis::Snapshot& snapshot, const Selection& selection);
/// Experts that the token ran, over all layers.
std::vector<trace::ExpertKey> expertsOf(const analysis::Snapshot& snapshot, trace::TokenIndex token);

} // namespace moescope::ui

#pragma once
#include "profiler/analysis/snapshot.h"

#include <string>

namespace moescope::analysis {

/// Fills poolSlots, expertsPerToken and poolCollapse. One pool under least-recently-used eviction that holds fewer experts than
/// one token asks for over all layers has no hits by locality: an expert's turn comes again when it is the next to leave.
void derivePoolCollapse(const Snapshot& snapshot, Summary& summary);

/// One sentence for people; empty if there is no collapse.
std::string poolCollapseSentence(const Summary& summary);

} // namespace moescope::analysis

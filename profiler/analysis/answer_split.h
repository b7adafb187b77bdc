#pragma once
#include "profiler/analysis/snapshot.h"

namespace moescope::analysis {

/// An answer in two: what the model thought, and what it said.
struct AnswerSplit {
    std::string reasoning;
    std::string said;
    std::size_t hiddenBytes = 0; ///< of the answer's beginning that are not said: thoughts and the marks around them
    int hiddenTokens = 0;        ///< likewise
    bool thinking = false;       ///< the answer runs and has not begun to say anything
};
/// `turn` is of the snapshot, which says whether answers begin as thoughts (`chat-opens-thinking`).
AnswerSplit splitAnswer(const Snapshot& snapshot, const TurnRecord& turn);

} // namespace moescope::analysis

#pragma once
#include "profiler/analysis/snapshot.h"
#include "profiler/session/batch.h"

namespace moescope::analysis {

/// Tokens and turns: what was said, and how fast. Owned by SnapshotBuilder; one thread.
class ConversationReducer {
public:
    void on(const trace::PromptBegan& e, trace::Payload payload, Snapshot& s);
    void on(const trace::TokenPrompted& e, trace::Payload payload, Snapshot& s);
    void on(const trace::TokenEmitted& e, trace::Payload payload, Snapshot& s);
    void on(const trace::AnswerEnded& e, trace::Payload payload, Snapshot& s);
    void on(const trace::ExpertsChosen& e, trace::Payload payload, Snapshot& s);
    void on(const trace::TransferSpan& e, trace::Payload payload, Snapshot& s);

    /// Rates and the median TTFT.
    void derive(Summary& summary) const;
    /// Percentiles of the time per token. Sorting many of them takes milliseconds, so that it waits for a thorough call then.
    void derivePercentiles(Summary& summary, bool thorough) const;

private:
    struct TurnSums {
        trace::TimeNs lastTokenAt = 0;
        std::int64_t decisions = 0;
        std::int64_t kept = 0;
    };
    TurnRecord& currentTurn(trace::TurnIndex turn, Snapshot& s);

    std::vector<TurnSums> m_sums; ///< beside Snapshot::turns
    std::vector<float> m_tokenMs; ///< between the tokens of an answer
    std::vector<float> m_ttftMs;
    trace::TimeNs m_decodeNs = 0;
    std::int64_t m_decodeTokens = 0;
};

} // namespace moescope::analysis

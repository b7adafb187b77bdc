#pragma once
#include "profiler/analysis/snapshot.h"
#include "profiler/session/batch.h"

#include <map>

namespace moescope::analysis {

/// Guesses: what was fetched ahead at each layer, what of it was used, and how much copying it hid. Owned by SnapshotBuilder;
/// one thread.
class PrefetchReducer {
public:
    void on(const trace::PrefetchIssued& e, trace::Payload payload, Snapshot& s);
    void on(const trace::PrefetchResolved& e, trace::Payload payload, Snapshot& s);
    void on(const trace::TransferSpan& e, trace::Payload payload, Snapshot& s);

    void derive(std::int64_t decodeTokens, Summary& summary) const;

private:
    /// Transfer and verdict of one guess arrive in either order.
    struct Guess {
        std::int64_t bytes = 0;
        trace::TimeNs begin = 0;
        trace::TimeNs end = 0;
        trace::TimeNs resolvedAt = 0;
        bool moved = false;
        bool resolved = false;
        bool used = false;
    };
    /// Null where the file names a layer that the model does not have.
    static PrefetchRecord* recordOf(trace::ExpertKey key, Snapshot& s);
    void settle(trace::TransferId transfer, trace::ExpertKey key, Snapshot& s);

    std::map<std::int32_t, Guess> m_pending; ///< by transfer
    std::int64_t m_resolved = 0;
    trace::TimeNs m_hiddenNs = 0;
};

} // namespace moescope::analysis

#pragma once
#include "profiler/analysis/snapshot.h"
#include "profiler/session/batch.h"

#include <map>

namespace moescope::analysis {

/// Forward passes: a pass is open until its Step span arrives; what happens meanwhile is its own. Transfers belong to the pass
/// that read their token, whenever they end. Owned by SnapshotBuilder; one thread.
class PassReducer {
public:
    void on(const trace::ExpertsChosen& e, trace::Payload payload, Snapshot& s);
    void on(const trace::ExpertHit& e, trace::Payload payload, Snapshot& s);
    void on(const trace::ExpertMissed& e, trace::Payload payload, Snapshot& s);
    void on(const trace::ExpertEvicted& e, trace::Payload payload, Snapshot& s);
    void on(const trace::StallSpan& e, trace::Payload payload, Snapshot& s);
    void on(const trace::StageSpan& e, trace::Payload payload, Snapshot& s);
    void on(const trace::TransferSpan& e, trace::Payload payload, Snapshot& s);

    /// Per decoded token: stall and bytes.
    void derive(Summary& summary) const;
    trace::TimeNs passNs() const { return m_passNs; }
    std::int64_t decodeTokens() const { return m_decodeTokens; }

private:
    struct Moved {
        std::int64_t demand = 0;
        std::int64_t prefetch = 0;
    };
    void close(const trace::StageSpan& step, Snapshot& s);
    void takeMoved(PassRecord& pass);

    PassRecord m_open;
    std::int64_t m_decisions = 0; ///< of the open pass
    std::int64_t m_kept = 0;
    std::map<std::int32_t, Moved> m_ahead; ///< by token: transfers of passes that are not closed yet
    trace::TimeNs m_passNs = 0;
    trace::TimeNs m_decodeStallNs = 0;
    std::int64_t m_decodeTokens = 0;
    std::int64_t m_decodeBytes = 0;
};

} // namespace moescope::analysis

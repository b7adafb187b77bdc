#pragma once
#include "profiler/analysis/snapshot.h"
#include "profiler/session/batch.h"

#include <deque>

namespace moescope::analysis {

/// The link: bytes by cause, how busy, and how much of it compute had to wait for.
/// Owned by SnapshotBuilder; one thread.
class LinkReducer {
public:
    void on(const trace::TransferSpan& e, trace::Payload payload, Snapshot& s);
    void on(const trace::StallSpan& e, trace::Payload payload, Snapshot& s);

    /// passNs: time spent in forward passes.
    void derive(trace::TimeNs passNs, Summary& summary) const;

private:
    struct Interval {
        trace::TimeNs begin = 0;
        trace::TimeNs end = 0;
    };
    /// Intervals by their end, the newest few of them.
    using Recent = std::deque<Interval>;
    static trace::TimeNs sharedTime(const Recent& recent, Interval with);
    static void remember(Recent& recent, Interval interval);

    std::int64_t m_bytes = 0;
    trace::TimeNs m_busyNs = 0;
    std::int64_t m_runBytes = 0; ///< without allocation, which happens beside the passes
    trace::TimeNs m_runBusyNs = 0;
    Recent m_transfers, m_stalls;
    trace::TimeNs m_exposedNs = 0; ///< transfers while compute waited
};

} // namespace moescope::analysis

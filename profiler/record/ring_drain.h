#pragma once
#include "profiler/record/ring_tracer.h"
#include "profiler/session/batch.h"

#include <vector>

namespace moescope::record {

/// Empties the rings into batches. Each ring's own order is kept; between rings events are ordered by time, and causally: what
/// one thread did after it had seen another's doing comes later. Consumer side of all rings: drain thread only.
class RingDrain {
public:
    /// One cycle's rings. A ring may be added between cycles, never removed.
    void add(RingTracer& tracer) { m_sources.emplace_back().tracer = &tracer; }

    /// Appends what was emitted until `now`, numbering from nextSeq; stops at mostBytes of batch. With `everything`, also what
    /// was emitted meanwhile. Returns the next free number.
    std::int64_t drain(session::Batch& into, std::int64_t nextSeq, trace::TimeNs now, bool everything, std::size_t mostBytes);

    /// Time of the oldest event of the last cycle, or `otherwise` if it had none.
    trace::TimeNs oldest(trace::TimeNs otherwise) const { return m_any ? m_oldest : otherwise; }
    /// Time of the newest one so far.
    trace::TimeNs newest() const { return m_newest; }
    bool any() const { return m_any; }
    /// Events lost in all rings so far.
    std::int64_t lost() const;

private:
    struct Source {
        RingTracer* tracer = nullptr;
        std::uint64_t sureEnd = 0; // what an earlier look saw is due, whatever its time
        ByteRing::Entry entry;
        bool loaded = false;
        trace::TimeNs at = 0;
    };
    void load(Source& source, trace::TimeNs now, bool everything);

    std::vector<Source> m_sources;
    trace::TimeNs m_oldest = 0;
    trace::TimeNs m_newest = 0;
    bool m_any = false;
};

} // namespace moescope::record

#include "profiler/record/ring_drain.h"

#include <algorithm>

namespace moescope::record {

void RingDrain::load(Source& source, trace::TimeNs now, bool everything) {
    ByteRing& ring = source.tracer->ring();
    source.loaded = ring.front(source.entry);
    if (!source.loaded)
        return;
    source.at = trace::timeOf(source.entry.event);
    // The cut at `now` was taken before the rings were looked at. So an event before the cut has all its causes in view, even
    // those that sit in a ring looked at earlier; one behind it waits for the next cycle.
    if (!everything && source.at > now && ring.frontEnd() > source.sureEnd)
        source.loaded = false;
}

std::int64_t RingDrain::drain(session::Batch& into, std::int64_t nextSeq, trace::TimeNs now, bool everything,
                              std::size_t mostBytes) {
    m_any = false;
    std::vector<std::uint64_t> ends;
    for (Source& source : m_sources)
        ends.push_back(source.tracer->ring().look());
    for (Source& source : m_sources)
        load(source, now, everything);
    const auto bytes = [&into] { return into.arena.size() + into.records.size() * sizeof(session::Record); };
    while (bytes() < mostBytes) {
        Source* first = nullptr;
        for (Source& source : m_sources)
            if (source.loaded && (!first || source.at < first->at))
                first = &source;
        if (!first)
            break;
        into.append(nextSeq++, first->entry.event, first->entry.payload);
        m_oldest = m_any ? std::min(m_oldest, first->at) : first->at;
        m_newest = std::max(m_newest, first->at);
        m_any = true;
        first->tracer->ring().pop();
        load(*first, now, everything);
    }
    for (std::size_t i = 0; i < m_sources.size(); ++i)
        m_sources[i].sureEnd = ends[i];
    return nextSeq;
}

std::int64_t RingDrain::lost() const {
    std::int64_t sum = 0;
    for (const Source& source : m_sources)
        sum += source.tracer->lost();
    return sum;
}

} // namespace moescope::record

#include "profiler/analysis/link_reducer.h"

#include <algorithm>

namespace moescope::analysis {
namespace {

bool attributed(const trace::TransferSpan& e) {
    const bool key = e.key.layer.valid() && e.key.expert.valid();
    // Filling the cache is asked for by the budget, not by a token.
    return key && (e.token.valid() || e.cause == trace::TransferCause::Allocation);
}

std::int64_t& bytesOf(trace::TransferCause cause, Summary& summary) {
    switch (cause) {
    case trace::TransferCause::Demand:
        return summary.bytesDemand;
    case trace::TransferCause::Prefetch:
        return summary.bytesPrefetch;
    case trace::TransferCause::Allocation:
        return summary.bytesAllocation;
    }
    return summary.bytesUnattributed;
}

} // namespace

void LinkReducer::on(const trace::TransferSpan& e, trace::Payload, Snapshot& s) {
    Summary& summary = s.summary;
    summary.emulated = summary.emulated || e.emulated;
    (attributed(e) ? bytesOf(e.cause, summary) : summary.bytesUnattributed) += e.bytes;
    const trace::TimeNs busy = std::max<trace::TimeNs>(0, e.end - e.begin);
    m_bytes += e.bytes;
    m_busyNs += busy;
    if (e.cause != trace::TransferCause::Allocation) {
        m_runBytes += e.bytes;
        m_runBusyNs += busy;
        // Transfers and stalls come from two threads: whichever of a pair is told second finds the first.
        m_exposedNs += sharedTime(m_stalls, {e.begin, e.end});
        remember(m_transfers, {e.begin, e.end});
    }
}

trace::TimeNs LinkReducer::sharedTime(const Recent& recent, Interval with) {
    trace::TimeNs shared = 0;
    for (auto at = recent.rbegin(); at != recent.rend() && at->end > with.begin; ++at)
        shared += std::max<trace::TimeNs>(0, std::min(at->end, with.end) - std::max(at->begin, with.begin));
    return shared;
}

void LinkReducer::remember(Recent& recent, Interval interval) {
    constexpr std::size_t kRemembered = 256;
    recent.push_back(interval);
    if (recent.size() > kRemembered)
        recent.pop_front();
}

void LinkReducer::on(const trace::StallSpan& e, trace::Payload, Snapshot&) {
    m_exposedNs += sharedTime(m_transfers, {e.begin, e.end});
    remember(m_stalls, {e.begin, e.end});
}

void LinkReducer::derive(trace::TimeNs passNs, Summary& summary) const {
    if (m_busyNs > 0)
        summary.linkBytesPerSecond = static_cast<double>(m_bytes) / (static_cast<double>(m_busyNs) / 1e9);
    const auto busy = static_cast<double>(m_runBusyNs);
    if (m_runBusyNs > 0)
        summary.overlapShare = std::clamp(1 - static_cast<double>(m_exposedNs) / busy, 0.0, 1.0);
    if (passNs > 0)
        summary.linkUtilisation = std::min(1.0, busy / static_cast<double>(passNs));
}

} // namespace moescope::analysis

#include "profiler/analysis/prefetch_reducer.h"

#include "profiler/analysis/reducer_limits.h"

#include <algorithm>

namespace moescope::analysis {

PrefetchRecord* PrefetchReducer::recordOf(trace::ExpertKey key, Snapshot& s) {
    return inside(key, s.layers, s.experts) ? &s.layerLives[static_cast<std::size_t>(key.layer.value)].prefetch : nullptr;
}

void PrefetchReducer::on(const trace::PrefetchIssued& e, trace::Payload, Snapshot& s) {
    ++s.summary.prefetchIssued;
    if (PrefetchRecord* record = recordOf(e.key, s))
        ++record->issued;
}

void PrefetchReducer::on(const trace::PrefetchResolved& e, trace::Payload, Snapshot& s) {
    ++m_resolved;
    s.summary.prefetchUsed += e.used ? 1 : 0;
    if (PrefetchRecord* record = recordOf(e.key, s)) {
        ++record->resolved;
        record->used += e.used ? 1 : 0;
    }
    if (!e.transfer.valid())
        return;
    Guess& guess = m_pending[e.transfer.value];
    guess.resolved = true;
    guess.used = e.used;
    guess.resolvedAt = e.at;
    settle(e.transfer, e.key, s);
}

void PrefetchReducer::on(const trace::TransferSpan& e, trace::Payload, Snapshot& s) {
    if (e.cause != trace::TransferCause::Prefetch)
        return;
    if (PrefetchRecord* record = recordOf(e.key, s))
        record->bytes += e.bytes;
    if (!e.transfer.valid())
        return;
    Guess& guess = m_pending[e.transfer.value];
    guess.bytes = e.bytes;
    guess.begin = e.begin;
    guess.end = e.end;
    guess.moved = true;
    settle(e.transfer, e.key, s);
}

void PrefetchReducer::settle(trace::TransferId transfer, trace::ExpertKey key, Snapshot& s) {
    const auto found = m_pending.find(transfer.value);
    const Guess guess = found->second;
    if (!guess.moved || !guess.resolved)
        return;
    m_pending.erase(found);
    const trace::TimeNs length = std::max<trace::TimeNs>(0, guess.end - guess.begin);
    const trace::TimeNs hidden = guess.used ? std::clamp<trace::TimeNs>(guess.resolvedAt - guess.begin, 0, length) : 0;
    m_hiddenNs += hidden;
    (guess.used ? s.summary.bytesPrefetchUsed : s.summary.bytesPrefetchWasted) += guess.bytes;
    if (PrefetchRecord* record = recordOf(key, s)) {
        (guess.used ? record->bytesUsed : record->bytesWasted) += guess.bytes;
        record->hiddenNs += hidden;
    }
}

void PrefetchReducer::derive(std::int64_t decodeTokens, Summary& summary) const {
    if (m_resolved > 0)
        summary.prefetchPrecision = static_cast<double>(summary.prefetchUsed) / static_cast<double>(m_resolved);
    if (decodeTokens > 0)
        summary.prefetchHiddenMsPerToken = static_cast<double>(m_hiddenNs) / 1e6 / static_cast<double>(decodeTokens);
}

} // namespace moescope::analysis

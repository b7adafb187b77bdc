#include "profiler/analysis/pass_reducer.h"

#include "profiler/analysis/reducer_limits.h"

#include <algorithm>

namespace moescope::analysis {

void PassReducer::on(const trace::ExpertsChosen& e, trace::Payload, Snapshot&) {
    ++m_decisions;
    m_kept += e.kept;
}

void PassReducer::on(const trace::ExpertHit&, trace::Payload, Snapshot&) {
    ++m_open.hits;
}

void PassReducer::on(const trace::ExpertMissed&, trace::Payload, Snapshot&) {
    ++m_open.misses;
}

void PassReducer::on(const trace::ExpertEvicted&, trace::Payload, Snapshot&) {
    ++m_open.evictions;
}

void PassReducer::on(const trace::StallSpan& e, trace::Payload, Snapshot&) {
    m_open.stallNs += e.end - e.begin;
}

void PassReducer::on(const trace::StageSpan& e, trace::Payload, Snapshot& s) {
    if (e.stage == trace::Stage::Step) {
        close(e, s);
        return;
    }
    // Another first token without a Step between: that Step was lost, and its pass with it.
    if (m_open.firstToken.valid() && m_open.firstToken != e.token) {
        m_open = {};
        m_decisions = m_kept = 0;
    }
    m_open.firstToken = e.token;
    const auto stage = static_cast<std::size_t>(e.stage);
    if (stage < m_open.stageNs.size())
        m_open.stageNs[stage] += e.end - e.begin;
}

void PassReducer::close(const trace::StageSpan& step, Snapshot& s) {
    PassRecord pass = m_open;
    m_open = {};
    pass.firstToken = step.token;
    pass.tokens = step.tokens;
    pass.phase = step.phase;
    pass.begin = step.begin;
    pass.end = step.end;
    auto& experts = pass.stageNs[static_cast<std::size_t>(trace::Stage::Experts)];
    experts = std::max<trace::TimeNs>(0, experts - pass.stallNs);
    const trace::TimeNs total = step.end - step.begin;
    trace::TimeNs named = pass.stallNs;
    for (std::size_t i = 1; i < pass.stageNs.size(); ++i)
        named += pass.stageNs[i];
    pass.stageNs[0] = total;
    pass.otherNs = std::max<trace::TimeNs>(0, total - named);
    pass.meanKept = m_decisions > 0 ? static_cast<float>(static_cast<double>(m_kept) / static_cast<double>(m_decisions)) : 0;
    m_decisions = m_kept = 0;
    takeMoved(pass);
    m_passNs += total;
    if (pass.phase == trace::Phase::Decode) {
        m_decodeStallNs += pass.stallNs;
        m_decodeTokens += pass.tokens;
        m_decodeBytes += pass.bytesDemand + pass.bytesPrefetch;
    }
    const auto number = static_cast<std::int32_t>(s.passes.size());
    const std::int64_t known = static_cast<std::int64_t>(s.tokens.size());
    const std::int64_t end = std::min(known, std::int64_t{step.token.value} + step.tokens);
    for (std::int64_t token = std::max<std::int64_t>(0, step.token.value); token < end; ++token)
        s.tokens.edit(static_cast<std::size_t>(token)).pass = number;
    s.passes.push(pass);
}

void PassReducer::takeMoved(PassRecord& pass) {
    const std::int64_t end = std::int64_t{pass.firstToken.value} + pass.tokens;
    auto at = m_ahead.begin();
    for (; at != m_ahead.end() && at->first < end; ++at) {
        if (at->first < pass.firstToken.value)
            continue;
        pass.bytesDemand += at->second.demand;
        pass.bytesPrefetch += at->second.prefetch;
    }
    m_ahead.erase(m_ahead.begin(), at);
}

void PassReducer::on(const trace::TransferSpan& e, trace::Payload, Snapshot& s) {
    if (!e.token.valid() || e.cause == trace::TransferCause::Allocation)
        return;
    const bool prefetch = e.cause == trace::TransferCause::Prefetch;
    const auto token = static_cast<std::size_t>(e.token.value);
    const std::int32_t number = token < s.tokens.size() ? s.tokens[token].pass : -1;
    if (number < 0) {
        Moved& moved = m_ahead[e.token.value];
        (prefetch ? moved.prefetch : moved.demand) += e.bytes;
        return;
    }
    PassRecord& pass = s.passes.edit(static_cast<std::size_t>(number));
    (prefetch ? pass.bytesPrefetch : pass.bytesDemand) += e.bytes;
    if (pass.phase == trace::Phase::Decode)
        m_decodeBytes += e.bytes;
}

void PassReducer::derive(Summary& summary) const {
    if (m_decodeTokens == 0)
        return;
    const auto tokens = static_cast<double>(m_decodeTokens);
    summary.stallMsPerToken = static_cast<double>(m_decodeStallNs) / 1e6 / tokens;
    summary.mbPerToken = static_cast<double>(m_decodeBytes) / 1e6 / tokens;
}

} // namespace moescope::analysis

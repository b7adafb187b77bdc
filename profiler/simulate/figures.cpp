#include "profiler/simulate/figures.h"

#include <algorithm>

namespace moescope::simulate {
namespace {

double share(std::int64_t part, std::int64_t of) {
    return of > 0 ? static_cast<double>(part) / static_cast<double>(of) : -1.0;
}

double per(double value, std::int64_t count) {
    return count > 0 ? value / static_cast<double>(count) : 0;
}

} // namespace

double Figures::hitRate() const {
    return share(hits, hits + misses);
}

double Figures::optimumHitRate() const {
    return share(optimumHits, optimumAccesses);
}

double Figures::stallMsPerToken() const {
    return per(static_cast<double>(decodeStallNs) / 1e6, decodeTokens);
}

double Figures::mbPerToken() const {
    return per(static_cast<double>(decodeBytes) / 1e6, decodeTokens);
}

double Figures::tokensPerSecond() const {
    return timedNs > 0 ? static_cast<double>(timedTokens) * 1e9 / static_cast<double>(timedNs) : 0;
}

double Figures::msPerToken() const {
    return per(static_cast<double>(timedNs) / 1e6, timedTokens);
}

double Figures::meanExperts() const {
    return per(static_cast<double>(kept), decisions);
}

double Figures::decodeMeanExperts() const {
    return per(static_cast<double>(decodeKept), decodeDecisions);
}

double Figures::singleShare() const {
    return per(static_cast<double>(singles), decodeDecisions);
}

double Figures::prefetchPrecision() const {
    return share(prefetchUsed, prefetchResolved);
}

FigureCounter::FigureCounter(int layers, int experts, trace::Tracer* next)
    : m_layers(layers), m_experts(experts), m_next(next), m_optimum(layers, experts) {}

void FigureCounter::emit(const trace::Event& event, trace::Payload payload) noexcept {
    std::visit([this](const auto& e) { count(e); }, event);
    if (m_next)
        m_next->emit(event, payload);
}

void FigureCounter::count(const trace::ExpertsChosen& e) {
    ++m_figures.decisions;
    m_figures.kept += e.kept;
    if (e.phase != trace::Phase::Prefill) {
        ++m_figures.decodeDecisions;
        m_figures.decodeKept += e.kept;
        m_figures.singles += e.candidates > 1 && e.kept == 1 ? 1 : 0;
        return;
    }
    const auto token = static_cast<std::size_t>(e.token.value);
    if (token >= m_prefilled.size())
        m_prefilled.resize(token + 1);
    m_prefilled[token] = true;
}

void FigureCounter::count(const trace::ExpertHit& e) {
    ++m_figures.hits;
    if (known(e.key))
        m_optimum.access(e.key);
}

void FigureCounter::count(const trace::ExpertMissed& e) {
    ++m_figures.misses;
    if (known(e.key))
        m_optimum.access(e.key);
}

void FigureCounter::count(const trace::TransferSpan& e) {
    std::int64_t& bytes = e.cause == trace::TransferCause::Demand     ? m_figures.bytesDemand
                          : e.cause == trace::TransferCause::Prefetch ? m_figures.bytesPrefetch
                                                                      : m_figures.bytesAllocation;
    bytes += e.bytes;
    if (e.cause == trace::TransferCause::Allocation) {
        if (e.outcome == trace::TransferOutcome::Completed && known(e.key))
            m_optimum.load(e.key);
        return;
    }
    const auto token = static_cast<std::size_t>(std::max(0, e.token.value));
    if (token >= m_prefilled.size() || !m_prefilled[token])
        m_figures.decodeBytes += e.bytes;
}

void FigureCounter::count(const trace::SlotsAllocated& e) {
    if (e.layer.value < m_layers)
        m_optimum.setSlots(e.layer, e.slots);
}

void FigureCounter::count(const trace::StageSpan& e) {
    if (e.stage != trace::Stage::Step)
        return;
    m_optimum.endGroup();
    if (e.phase == trace::Phase::Decode) {
        m_figures.decodeStallNs += m_stallNs;
        m_figures.decodeTokens += e.tokens;
    }
    m_stallNs = 0;
}

void FigureCounter::count(const trace::TokenEmitted& e) {
    ++m_figures.tokens;
    if (m_turn.valid() && m_turn == e.turn) {
        ++m_figures.timedTokens;
        m_figures.timedNs += std::max<trace::TimeNs>(0, e.at - m_lastTokenAt);
    }
    m_turn = e.turn;
    m_lastTokenAt = e.at;
}

Figures FigureCounter::figures() const {
    Figures figures = m_figures;
    if (m_optimum.known())
        for (int layer = 0; layer < m_layers; ++layer) {
            figures.optimumHits += m_optimum.hits(layer);
            figures.optimumAccesses += m_optimum.accesses(layer);
        }
    return figures;
}

} // namespace moescope::simulate

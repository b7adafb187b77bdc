#pragma once
#include "engine/trace/tracer.h"
#include "profiler/analysis/belady.h"

#include <vector>

namespace moescope::simulate {

/// What a simulation comes to. The definitions are those of analysis::Summary. Rates are 0..1; -1 = not defined.
struct Figures {
    std::int64_t tokens = 0; ///< emitted
    std::int64_t decisions = 0;
    std::int64_t kept = 0; ///< experts run, over the decisions
    std::int64_t decodeDecisions = 0;
    std::int64_t decodeKept = 0;
    std::int64_t singles = 0; ///< decode decisions that ran one of several candidates
    std::int64_t hits = 0, misses = 0, evictions = 0;
    std::int64_t optimumHits = 0, optimumAccesses = 0; ///< Belady without prefetch, same askings, same slots
    std::int64_t bytesDemand = 0, bytesPrefetch = 0, bytesAllocation = 0;
    std::int64_t prefetchIssued = 0, prefetchUsed = 0, prefetchResolved = 0;
    std::int64_t decodeTokens = 0;
    trace::TimeNs decodeStallNs = 0;
    std::int64_t decodeBytes = 0;
    std::int64_t timedTokens = 0; ///< emitted after the first of each turn
    trace::TimeNs timedNs = 0;    ///< from the first to the last of each turn

    double hitRate() const;
    double optimumHitRate() const;
    double stallMsPerToken() const;
    double mbPerToken() const; ///< 10^6 bytes over the link per decoded token
    double tokensPerSecond() const;
    double msPerToken() const;
    double meanExperts() const;       ///< run per token and layer
    double decodeMeanExperts() const; ///< the same, without the prompts
    double singleShare() const;       ///< decode; 0 without decisions
    double prefetchPrecision() const; ///< used / resolved
};

/// Counts events into Figures, and hands each on to another tracer if there is one. Owned by who runs a simulation; one thread.
class FigureCounter final : public trace::Tracer {
public:
    FigureCounter(int layers, int experts, trace::Tracer* next = nullptr);
    void passTo(trace::Tracer* next) { m_next = next; }
    void emit(const trace::Event& event, trace::Payload payload) noexcept override;
    Figures figures() const;

private:
    void count(const trace::ExpertsChosen& e);
    void count(const trace::ExpertHit& e);
    void count(const trace::ExpertMissed& e);
    void count(const trace::ExpertEvicted&) { ++m_figures.evictions; }
    void count(const trace::PrefetchIssued&) { ++m_figures.prefetchIssued; }
    void count(const trace::PrefetchResolved& e) {
        m_figures.prefetchUsed += e.used ? 1 : 0;
        ++m_figures.prefetchResolved;
    }
    void count(const trace::TransferSpan& e);
    void count(const trace::StallSpan& e) { m_stallNs += e.end - e.begin; }
    void count(const trace::StageSpan& e);
    void count(const trace::SlotsAllocated& e);
    void count(const trace::TokenEmitted& e);
    template <class Other>
    void count(const Other&) {}

    bool known(trace::ExpertKey key) const {
        return key.layer.valid() && key.expert.valid() && key.layer.value < m_layers && key.expert.value < m_experts;
    }

    int m_layers;
    int m_experts;
    trace::Tracer* m_next;
    Figures m_figures;
    analysis::OfflineOptimum m_optimum;
    std::vector<bool> m_prefilled; ///< [token] read by a prefill pass
    trace::TimeNs m_stallNs = 0;   ///< of the open pass
    trace::TurnIndex m_turn;       ///< of the last emitted token
    trace::TimeNs m_lastTokenAt = 0;
};

} // namespace moescope::simulate

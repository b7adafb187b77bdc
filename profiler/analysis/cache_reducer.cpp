#include "profiler/analysis/cache_reducer.h"

#include "profiler/analysis/reducer_limits.h"

namespace moescope::analysis {
namespace {

constexpr std::uint8_t kAbsent = 0;
constexpr std::uint8_t kLoading = 1;
constexpr std::uint8_t kResident = 2;

bool known(trace::ExpertKey key, const Snapshot& s) {
    return inside(key, s.layers, s.experts);
}

std::size_t indexOf(trace::ExpertKey key, const Snapshot& s) {
    return static_cast<std::size_t>(key.layer.value) * static_cast<std::size_t>(s.experts) +
           static_cast<std::size_t>(key.expert.value);
}

LayerRecord& layerOf(trace::ExpertKey key, Snapshot& s) {
    return s.layerLives[static_cast<std::size_t>(key.layer.value)];
}

} // namespace

void CacheReducer::on(const trace::ExpertHit& e, trace::Payload, Snapshot& s) {
    ++s.summary.hits;
    if (!known(e.key, s))
        return;
    ++s.expertLives[indexOf(e.key, s)].hits;
    ++layerOf(e.key, s).hits;
    s.residency.state[indexOf(e.key, s)] = kResident;
    m_optimum.access(e.key);
}

void CacheReducer::on(const trace::ExpertMissed& e, trace::Payload, Snapshot& s) {
    ++s.summary.misses;
    if (!known(e.key, s))
        return;
    ++s.expertLives[indexOf(e.key, s)].misses;
    ++layerOf(e.key, s).misses;
    s.residency.state[indexOf(e.key, s)] = kLoading;
    m_optimum.access(e.key);
}

void CacheReducer::on(const trace::ExpertEvicted& e, trace::Payload, Snapshot& s) {
    ++s.summary.evictions;
    if (!known(e.key, s))
        return;
    ++s.expertLives[indexOf(e.key, s)].evictions;
    s.residency.state[indexOf(e.key, s)] = kAbsent;
}

void CacheReducer::on(const trace::PrefetchIssued& e, trace::Payload, Snapshot& s) {
    if (known(e.key, s))
        s.residency.state[indexOf(e.key, s)] = kLoading;
}

void CacheReducer::on(const trace::PrefetchResolved& e, trace::Payload, Snapshot& s) {
    if (known(e.key, s) && !e.used)
        ++s.expertLives[indexOf(e.key, s)].wasted;
}

void CacheReducer::on(const trace::TransferSpan& e, trace::Payload, Snapshot& s) {
    if (!known(e.key, s))
        return;
    ExpertRecord& life = s.expertLives[indexOf(e.key, s)];
    ++life.transfers;
    life.bytes += e.bytes;
    const bool completed = e.outcome == trace::TransferOutcome::Completed;
    s.residency.state[indexOf(e.key, s)] = completed ? kResident : kAbsent;
    if (!completed)
        return;
    life.residentSince = e.token;
    life.lastCause = e.cause;
    if (e.cause == trace::TransferCause::Allocation)
        m_optimum.load(e.key);
}

void CacheReducer::on(const trace::StallSpan& e, trace::Payload, Snapshot& s) {
    if (known(e.key, s))
        s.expertLives[indexOf(e.key, s)].waitNs += e.end - e.begin;
}

void CacheReducer::on(const trace::InPlaceSpan& e, trace::Payload, Snapshot& s) {
    ++s.summary.inPlace;
    s.summary.bytesInPlace += e.bytes;
    s.summary.inPlaceMs += static_cast<double>(e.end - e.begin) / 1e6;
    if (known(e.key, s))
        s.residency.state[indexOf(e.key, s)] = kAbsent;
}

void CacheReducer::on(const trace::StageSpan& e, trace::Payload, Snapshot&) {
    if (e.stage == trace::Stage::Step)
        m_optimum.endGroup();
}

void CacheReducer::on(const trace::SlotsAllocated& e, trace::Payload, Snapshot& s) {
    if (e.layer.value >= s.layers)
        return;
    if (e.layer.valid()) {
        s.layerLives[static_cast<std::size_t>(e.layer.value)].slots = e.slots;
        s.slotsTotal = 0;
        for (const LayerRecord& layer : s.layerLives)
            s.slotsTotal += layer.slots > 0 ? layer.slots : 0;
    } else {
        for (LayerRecord& layer : s.layerLives)
            layer.slots = -1;
        s.slotsTotal = e.slots;
    }
    m_optimum.setSlots(e.layer, e.slots);
}

void CacheReducer::derive(std::vector<LayerRecord>& layers, Summary& summary) const {
    const auto share = [](std::int64_t part, std::int64_t of) {
        return of > 0 ? static_cast<double>(part) / static_cast<double>(of) : -1.0;
    };
    summary.hitRate = share(summary.hits, summary.hits + summary.misses);
    if (!m_optimum.known())
        return;
    std::int64_t hits = 0;
    std::int64_t accesses = 0;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const int layer = static_cast<int>(i);
        hits += m_optimum.hits(layer);
        accesses += m_optimum.accesses(layer);
        layers[i].optimumHitRate = share(m_optimum.hits(layer), m_optimum.accesses(layer));
    }
    summary.optimumHitRate = share(hits, accesses);
}

} // namespace moescope::analysis

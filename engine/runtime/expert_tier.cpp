#include "engine/runtime/expert_tier.h"

#include <algorithm>
#include <numeric>

namespace moescope::runtime {

namespace {

std::unique_ptr<policy::CachePolicy> cachePolicyFor(const Settings& settings) {
    return policy::makeCachePolicy(settings.cache, policy::parseCacheWeights(settings.cacheWeights));
}

policy::PrefetchParameters prefetchParameters(const Settings& settings) {
    return {.depth = settings.prefetchDepth, .spareSteps = settings.prefetchSpareSteps};
}

} // namespace

ExpertTier::ExpertTier(backend::Backend& backend, const model::ModelConfig& config, const Calibration& calibration,
                       const Settings& settings, trace::TracerSource& tracers, trace::Tracer& tracer, const trace::Clock& clock)
    : m_backend(backend), m_shape{config.layers, config.experts}, m_calibration(calibration), m_settings(settings),
      m_gate(calibration.makeGate(settings)),
      m_prefetch(policy::makePrefetchPolicy(settings.prefetch, prefetchParameters(settings))),
      m_cache(m_shape, cachePolicyFor(settings), planFor(settings)),
      m_mover(backend, expert::parseLink(settings.link), tracers, clock), m_supply(m_cache, m_mover, tracer, clock) {
    m_cache.setSpareSteps(m_prefetch->spareSteps());
    m_supply.setWatched(settings.prefetchWatch);
    m_supply.setMissService(policy::makeMissService(settings.missService));
    m_reserved = m_cache.slotCount();
    m_backend.reserveSlots(m_reserved);
    if (m_cache.plan().total == m_shape.layers * m_shape.experts) {
        m_supply.fill();
        m_supply.finishTransfers();
    }
}

policy::SlotPlan ExpertTier::planFor(const Settings& settings) const {
    const int all = m_shape.layers * m_shape.experts;
    const int slots = settings.cacheExperts == 0 ? all : std::min(settings.cacheExperts, all);
    return m_calibration.makeAllocation(settings)->plan({m_shape.layers, m_shape.experts, slots});
}

void ExpertTier::apply(const Settings& settings) {
    if (settings.gate != m_settings.gate || settings.gateThreshold != m_settings.gateThreshold ||
        settings.gateLayers != m_settings.gateLayers || settings.gatePhase != m_settings.gatePhase)
        m_gate = m_calibration.makeGate(settings);
    changePrefetch(settings);
    if (settings.link != m_settings.link) {
        m_mover.setLink(expert::parseLink(settings.link));
        m_supply.linkChanged();
    }
    if (settings.cache != m_settings.cache || settings.cacheWeights != m_settings.cacheWeights)
        m_supply.setCachePolicy(cachePolicyFor(settings));
    if (settings.missService != m_settings.missService)
        m_supply.setMissService(policy::makeMissService(settings.missService));
    // Some allocations go by gate, prefetch and cache policy as well.
    changePlan(settings);
    m_settings = settings;
}

void ExpertTier::changePrefetch(const Settings& settings) {
    const bool other = settings.prefetch != m_settings.prefetch;
    if (other || settings.prefetchDepth != m_settings.prefetchDepth ||
        settings.prefetchSpareSteps != m_settings.prefetchSpareSteps) {
        m_prefetch = policy::makePrefetchPolicy(settings.prefetch, prefetchParameters(settings));
        m_cache.setSpareSteps(m_prefetch->spareSteps());
    }
    if (settings.prefetchWatch != m_settings.prefetchWatch)
        m_supply.setWatched(settings.prefetchWatch);
}

std::int64_t ExpertTier::prefetchBudget(int layer) const {
    const bool measured = m_settings.prefetchBudgetMb < 0;
    const auto fixed = static_cast<std::int64_t>(m_settings.prefetchBudgetMb * 1e6);
    return m_supply.guessBudget(layer, measured ? expert::ExpertSupply::kMeasuredBudget : fixed,
                                m_backend.expertBytes(trace::expertKey(layer, 0)));
}

void ExpertTier::changePlan(const Settings& settings) {
    const policy::SlotPlan plan = planFor(settings);
    if (plan == m_cache.plan())
        return;
    m_supply.setPlan(plan);
    if (m_cache.slotCount() > m_reserved) {
        m_reserved = m_cache.slotCount();
        m_backend.reserveSlots(m_reserved);
    }
    m_leftEmpty.resize(static_cast<std::size_t>(m_cache.slotCount()));
    std::iota(m_leftEmpty.begin(), m_leftEmpty.end(), 0);
    if (plan.total == m_shape.layers * m_shape.experts)
        m_supply.fill();
}

void ExpertTier::giveBack(int slots) {
    for (; slots > 0 && m_reserved > m_cache.slotCount(); --slots)
        m_backend.reserveSlots(--m_reserved);
    if (slots <= 0 || m_leftEmpty.empty())
        return;
    std::vector<bool> used(static_cast<std::size_t>(m_reserved), false);
    for (int layer = 0; layer < m_shape.layers; ++layer)
        for (int expert = 0; expert < m_shape.experts; ++expert)
            if (const int slot = m_cache.slotOf(trace::expertKey(layer, expert)); slot >= 0)
                used[static_cast<std::size_t>(slot)] = true;
    for (; slots > 0 && !m_leftEmpty.empty(); m_leftEmpty.pop_back()) {
        const int slot = m_leftEmpty.back();
        if (slot >= m_reserved || used[static_cast<std::size_t>(slot)])
            continue;
        m_backend.freeSlot(slot);
        --slots;
    }
}

} // namespace moescope::runtime

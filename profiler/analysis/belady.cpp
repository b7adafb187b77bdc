#include "profiler/analysis/belady.h"

#include <algorithm>

namespace moescope::analysis {

std::int64_t PoolOccupancy::appendGap(int slots) {
    Step fresh{m_gaps, -slots};
    // Gaps that were emptier than the new one now see the new one as their fullest.
    while (!m_steps.empty() && m_steps.back().excess <= fresh.excess) {
        fresh.start = m_steps.back().start;
        m_steps.pop_back();
    }
    m_steps.push_back(fresh);
    return m_gaps++;
}

std::size_t PoolOccupancy::stepOf(std::int64_t gap) const {
    const auto after = std::upper_bound(m_steps.begin(), m_steps.end(), gap,
                                        [](std::int64_t value, const Step& step) { return value < step.start; });
    return static_cast<std::size_t>(after - m_steps.begin()) - 1;
}

bool PoolOccupancy::fits(std::int64_t first) const {
    return m_steps.empty() || m_steps[stepOf(first)].excess < 0;
}

void PoolOccupancy::keep(std::int64_t first) {
    if (m_steps.empty())
        return;
    const std::size_t from = stepOf(first);
    for (std::size_t i = from; i < m_steps.size(); ++i)
        ++m_steps[i].excess;
    if (from > 0 && m_steps[from - 1].excess == m_steps[from].excess)
        m_steps.erase(m_steps.begin() + static_cast<std::ptrdiff_t>(from));
}

OfflineOptimum::OfflineOptimum(int layers, int experts)
    : m_layers(layers), m_experts(experts), m_last(static_cast<std::size_t>(layers) * static_cast<std::size_t>(experts)),
      m_counts(static_cast<std::size_t>(layers)) {
    beginEra(false);
}

void OfflineOptimum::beginEra(bool global) {
    Era era;
    era.global = global;
    const std::size_t pools = global ? 1 : static_cast<std::size_t>(m_layers);
    era.pools.resize(pools);
    era.slots.assign(pools, global ? m_layers * m_experts : m_experts);
    m_eras.push_back(std::move(era));
}

std::size_t OfflineOptimum::indexOf(trace::ExpertKey key) const {
    return static_cast<std::size_t>(key.layer.value) * static_cast<std::size_t>(m_experts) +
           static_cast<std::size_t>(key.expert.value);
}

void OfflineOptimum::setSlots(trace::Layer layer, int slots) {
    endGroup();
    m_known = true;
    const bool global = !layer.valid();
    if (m_eras.back().global != global)
        beginEra(global);
    Era& era = m_eras.back();
    const std::size_t pool = poolOf(era, layer.value);
    era.slots[pool] = std::max(0, slots);
    // What is kept across the change has to fit the new slots at once.
    era.pools[pool].appendGap(era.slots[pool]);
}

void OfflineOptimum::load(trace::ExpertKey key) {
    endGroup();
    Era& era = m_eras.back();
    const std::size_t pool = poolOf(era, key.layer.value);
    const std::int64_t gap = era.pools[pool].appendGap(era.slots[pool]);
    m_last[indexOf(key)] = {static_cast<std::int32_t>(m_eras.size()) - 1, gap};
}

bool OfflineOptimum::keptSince(const LastUse& use, int layer) {
    const auto first = static_cast<std::size_t>(use.era);
    const auto from = [&](std::size_t era) { return era == first ? use.gap : 0; };
    for (std::size_t i = first; i < m_eras.size(); ++i)
        if (!m_eras[i].pools[poolOf(m_eras[i], layer)].fits(from(i)))
            return false;
    for (std::size_t i = first; i < m_eras.size(); ++i)
        m_eras[i].pools[poolOf(m_eras[i], layer)].keep(from(i));
    return true;
}

void OfflineOptimum::access(trace::ExpertKey key) {
    if (!m_group.empty() &&
        (m_group.front().layer != key.layer || std::find(m_group.begin(), m_group.end(), key) != m_group.end()))
        endGroup();
    Counts& counts = m_counts[static_cast<std::size_t>(key.layer.value)];
    ++counts.accesses;
    const LastUse& use = m_last[indexOf(key)];
    if (use.era >= 0 && keptSince(use, key.layer.value))
        ++counts.hits;
    m_group.push_back(key);
}

void OfflineOptimum::endGroup() {
    if (m_group.empty())
        return;
    Era& era = m_eras.back();
    const std::size_t pool = poolOf(era, m_group.front().layer.value);
    const std::int64_t gap = era.pools[pool].appendGap(era.slots[pool]);
    for (const trace::ExpertKey key : m_group)
        m_last[indexOf(key)] = {static_cast<std::int32_t>(m_eras.size()) - 1, gap};
    m_group.clear();
}

} // namespace moescope::analysis

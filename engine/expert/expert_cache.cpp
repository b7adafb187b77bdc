#include "engine/expert/expert_cache.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <numeric>
#include <stdexcept>

namespace moescope::expert {

using trace::ExpertKey;

struct ExpertCache::State {
    struct Entry {
        int slot = -1;
        int pins = 0;
        std::uint64_t liveStep = 0; ///< step in which it was last touched, prefetched or foreseen
        ResidencyState state = ResidencyState::Absent;
    };

    std::unique_ptr<policy::CachePolicy> policy;
    std::vector<Entry> entries; ///< [layers * experts]
    std::vector<int> usedPerLayer;
    int usedTotal = 0;
    std::vector<int> freeSlots; ///< min-heap
    std::uint64_t step = 1;
    std::uint64_t spareSteps = 1;
    std::vector<ExpertKey> candidates; ///< scratch of victim searches
};

namespace {

void check(ExpertCache::Shape shape, const policy::SlotPlan& plan) {
    const auto refuse = [](const std::string& reason) {
        throw std::invalid_argument(fmt::format("The plan of expert slots cannot be used: {}.", reason));
    };
    if (shape.layers <= 0 || shape.experts <= 0)
        refuse("the model has no experts");
    if (plan.total < 1 || plan.total > shape.layers * shape.experts)
        refuse(fmt::format("it has {} slots for {} experts", plan.total, shape.layers * shape.experts));
    if (plan.global())
        return;
    if (static_cast<int>(plan.perLayer.size()) != shape.layers)
        refuse(fmt::format("it has {} layers and the model {}", plan.perLayer.size(), shape.layers));
    for (const int slots : plan.perLayer)
        if (slots < 1 || slots > shape.experts)
            refuse(fmt::format("a layer of {} experts would get {} slots", shape.experts, slots));
    if (std::accumulate(plan.perLayer.begin(), plan.perLayer.end(), 0) != plan.total)
        refuse("its layers do not sum to its total");
}

std::size_t indexOf(ExpertCache::Shape shape, ExpertKey key) {
    return static_cast<std::size_t>(key.layer.value * shape.experts + key.expert.value);
}

} // namespace

ExpertCache::ExpertCache(Shape shape, std::unique_ptr<policy::CachePolicy> policy, policy::SlotPlan plan)
    : m_shape(shape), m_state(std::make_unique<State>()) {
    check(shape, plan);
    const auto experts = static_cast<std::size_t>(shape.layers * shape.experts);
    m_state->policy = std::move(policy);
    m_state->entries.resize(experts);
    m_state->usedPerLayer.resize(static_cast<std::size_t>(shape.layers));
    m_state->candidates.reserve(experts);
    m_state->freeSlots.reserve(experts);
    setPlan(std::move(plan));
}

ExpertCache::~ExpertCache() = default;

ResidencyState ExpertCache::state(ExpertKey key) const {
    return m_state->entries[indexOf(m_shape, key)].state;
}

int ExpertCache::slotOf(ExpertKey key) const {
    return m_state->entries[indexOf(m_shape, key)].slot;
}

int ExpertCache::used(int layer) const {
    return m_plan.global() ? m_state->usedTotal : m_state->usedPerLayer[static_cast<std::size_t>(layer)];
}

int ExpertCache::capacity(int layer) const {
    return m_plan.global() ? m_plan.total : m_plan.perLayer[static_cast<std::size_t>(layer)];
}

void ExpertCache::touch(ExpertKey key, float weight) {
    m_state->policy->touched(key, weight);
    m_state->entries[indexOf(m_shape, key)].liveStep = m_state->step;
}

void ExpertCache::beginSequence() {
    m_state->policy->beginSequence();
}

void ExpertCache::setSpareSteps(int steps) {
    m_state->spareSteps = static_cast<std::uint64_t>(std::max(0, steps));
}

void ExpertCache::foreseen(ExpertKey key) {
    m_state->entries[indexOf(m_shape, key)].liveStep = m_state->step;
}

void ExpertCache::beginStep() {
    ++m_state->step;
    m_state->policy->beginStep();
}

std::optional<ExpertKey> ExpertCache::evictOne(int layer, AdmitFor purpose) {
    auto& candidates = m_state->candidates;
    candidates.clear();
    const int firstLayer = m_plan.global() ? 0 : layer;
    const int endLayer = m_plan.global() ? m_shape.layers : layer + 1;
    for (int l = firstLayer; l < endLayer; ++l)
        for (int expert = 0; expert < m_shape.experts; ++expert) {
            const ExpertKey key = trace::expertKey(l, expert);
            const State::Entry& entry = m_state->entries[indexOf(m_shape, key)];
            const bool live =
                purpose == AdmitFor::Prefetch && entry.liveStep > 0 && entry.liveStep + m_state->spareSteps > m_state->step;
            if (entry.state == ResidencyState::Resident && entry.pins == 0 && !live)
                candidates.push_back(key);
        }
    if (candidates.empty())
        return std::nullopt;
    const ExpertKey victim = candidates[m_state->policy->victim(candidates)];
    release(victim);
    return victim;
}

void ExpertCache::release(ExpertKey key) {
    State::Entry& entry = m_state->entries[indexOf(m_shape, key)];
    // Slots beyond a plan that shrank are given back to the backend, not to the next expert; unless another layer is over its
    // limit with pinned experts and so holds the slot that this one should have moved to.
    if (entry.slot < m_plan.total || m_state->freeSlots.empty()) {
        m_state->freeSlots.push_back(entry.slot);
        std::push_heap(m_state->freeSlots.begin(), m_state->freeSlots.end(), std::greater<>());
    }
    --m_state->usedPerLayer[static_cast<std::size_t>(key.layer.value)];
    --m_state->usedTotal;
    entry.slot = -1;
    entry.pins = 0;
    entry.state = ResidencyState::Absent;
}

std::optional<ExpertCache::Admission> ExpertCache::admit(ExpertKey key, AdmitFor purpose) {
    State::Entry& entry = m_state->entries[indexOf(m_shape, key)];
    const int layer = key.layer.value;
    if (entry.state != ResidencyState::Absent || used(layer) > capacity(layer))
        return std::nullopt;
    Admission admission;
    if (used(layer) == capacity(layer)) {
        admission.evicted = evictOne(layer, purpose);
        if (!admission.evicted)
            return std::nullopt;
    }
    if (m_state->freeSlots.empty())
        return std::nullopt;
    std::pop_heap(m_state->freeSlots.begin(), m_state->freeSlots.end(), std::greater<>());
    admission.slot = m_state->freeSlots.back();
    m_state->freeSlots.pop_back();
    ++m_state->usedPerLayer[static_cast<std::size_t>(layer)];
    ++m_state->usedTotal;
    entry.slot = admission.slot;
    entry.state = ResidencyState::Loading;
    if (purpose == AdmitFor::Prefetch)
        entry.liveStep = m_state->step;
    m_state->policy->admitted(key);
    return admission;
}

void ExpertCache::loaded(ExpertKey key) {
    State::Entry& entry = m_state->entries[indexOf(m_shape, key)];
    if (entry.state == ResidencyState::Loading)
        entry.state = ResidencyState::Resident;
}

void ExpertCache::abandoned(ExpertKey key) {
    if (state(key) == ResidencyState::Loading)
        release(key);
}

void ExpertCache::pin(ExpertKey key) {
    ++m_state->entries[indexOf(m_shape, key)].pins;
}

void ExpertCache::unpin(ExpertKey key) {
    int& pins = m_state->entries[indexOf(m_shape, key)].pins;
    pins = std::max(0, pins - 1);
}

std::vector<ExpertKey> ExpertCache::setPlan(policy::SlotPlan plan) {
    check(m_shape, plan);
    m_plan = std::move(plan);
    std::vector<ExpertKey> evicted = trim();
    std::vector<bool> taken(static_cast<std::size_t>(slotCount()));
    for (const State::Entry& entry : m_state->entries)
        if (entry.slot >= 0)
            taken[static_cast<std::size_t>(entry.slot)] = true;
    m_state->freeSlots.clear();
    for (int slot = 0; slot < m_plan.total; ++slot)
        if (!taken[static_cast<std::size_t>(slot)])
            m_state->freeSlots.push_back(slot); // ascending is a min-heap
    return evicted;
}

std::vector<ExpertKey> ExpertCache::trim() {
    std::vector<ExpertKey> evicted;
    const int pools = m_plan.global() ? 1 : m_shape.layers;
    for (int layer = 0; layer < pools; ++layer)
        while (used(layer) > capacity(layer)) {
            const auto victim = evictOne(layer, AdmitFor::Demand);
            if (!victim)
                break;
            evicted.push_back(*victim);
        }
    return evicted;
}

void ExpertCache::setPolicy(std::unique_ptr<policy::CachePolicy> policy) {
    m_state->policy = std::move(policy);
    for (int layer = 0; layer < m_shape.layers; ++layer)
        for (int expert = 0; expert < m_shape.experts; ++expert)
            if (state(trace::expertKey(layer, expert)) != ResidencyState::Absent)
                m_state->policy->admitted(trace::expertKey(layer, expert));
}

std::string_view ExpertCache::policyName() const {
    return m_state->policy->name();
}

int ExpertCache::slotCount() const {
    int count = m_plan.total;
    for (const State::Entry& entry : m_state->entries)
        count = std::max(count, entry.slot + 1);
    return count;
}

} // namespace moescope::expert

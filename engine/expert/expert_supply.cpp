#include "engine/expert/expert_supply.h"

#include "engine/expert/supply_state.h"

#include <algorithm>
#include <stdexcept>

namespace moescope::expert {

using trace::ExpertKey;

ExpertSupply::ExpertSupply(ExpertCache& cache, ExpertMover& mover, trace::Tracer& tracer, const trace::Clock& clock)
    : m_state(std::make_unique<State>(cache, mover, tracer, clock)) {
    m_state->emitAllocation();
}

ExpertSupply::~ExpertSupply() = default;

void ExpertSupply::beginSequence() {
    m_state->cache.beginSequence();
}

void ExpertSupply::beginStep(trace::TokenIndex token, trace::Phase phase) {
    m_state->closeQuestion();
    m_state->token = token;
    m_state->announce(m_state->meter.beginStep(phase));
    m_state->askedLayer = -1;
    ++m_state->step;
    m_state->cache.beginStep();
}

void ExpertSupply::ask(int layer, std::span<const Want> wants) {
    State& state = *m_state;
    state.closeQuestion();
    state.drain();
    state.askedLayer = layer;
    const trace::TimeNs now = state.clock.now();
    state.meter.asked(layer, now);
    for (const Want& want : wants) {
        const ExpertKey key = trace::expertKey(layer, want.expert);
        state.cache.touch(key, want.weight);
        state.classify(want, key, now);
    }
    state.shareMisses(now);
    state.withdrawStale();
    state.admitWaiting();
}

std::optional<ExpertSupply::Ready> ExpertSupply::next() {
    State& state = *m_state;
    trace::TimeNs stalledFrom = -1;
    while (true) {
        if (const auto ready = state.handOut()) {
            if (stalledFrom >= 0) {
                const auto key = trace::expertKey(state.askedLayer, ready->expert);
                const auto item = std::find_if(state.items.begin(), state.items.end(),
                                               [&](const State::Item& one) { return one.key == key; });
                state.tracer.emit(trace::StallSpan{.begin = stalledFrom,
                                                   .end = state.clock.now(),
                                                   .token = state.token,
                                                   .key = key,
                                                   .transfer = item->transfer});
            }
            return ready;
        }
        const int inPlace = state.countOf(State::Stage::InPlace);
        if (state.countOf(State::Stage::NeedsSlot) + state.countOf(State::Stage::Moving) + inPlace == 0)
            return std::nullopt;
        state.drain();
        if (state.somethingCame())
            continue;
        state.admitWaiting();
        if (inPlace > 0)
            return state.handOutInPlace();
        if (state.underWay == 0)
            throw std::logic_error("All expert slots are in use by experts that were handed out and not released.");
        if (stalledFrom < 0)
            stalledFrom = state.clock.now();
        state.mover.waitForOne();
    }
}

void ExpertSupply::done(int expert) {
    State& state = *m_state;
    const ExpertKey key = trace::expertKey(state.askedLayer, expert);
    for (State::Item& item : state.items)
        if (item.key == key && item.stage == State::Stage::Handed) {
            if (item.inPlace)
                state.ranInPlace(item);
            else
                state.cache.unpin(key);
            item.stage = State::Stage::Done;
        }
    state.admitWaiting();
}

int ExpertSupply::atHand() const {
    return m_state->countOf(State::Stage::Hit) + m_state->countOf(State::Stage::Arrived);
}

void ExpertSupply::prefetch(const policy::PrefetchPlan& plan) {
    State& state = *m_state;
    for (const ExpertKey key : plan.foreseen)
        state.cache.foreseen(key);
    state.foresees = !plan.wishes.empty() || !plan.foreseen.empty();
    for (const policy::PrefetchWish& wish : plan.wishes) {
        const auto admission = state.cache.admit(wish.key, AdmitFor::Prefetch);
        if (!admission)
            continue;
        if (admission->evicted) {
            state.evicted(*admission->evicted, trace::EvictionCause::Prefetch, wish.key);
            state.journey(*admission->evicted).lostStep = state.step;
        }
        state.request(wish.key, admission->slot, trace::TransferCause::Prefetch);
        State::Journey& road = state.journey(wish.key);
        road.guess = road.transfer;
        road.targetStep = state.step + (wish.key.layer.value <= state.askedLayer ? 1 : 0);
        state.tracer.emit(trace::PrefetchIssued{.at = state.clock.now(),
                                                .token = state.token,
                                                .key = wish.key,
                                                .transfer = road.transfer,
                                                .depth = static_cast<std::uint8_t>(wish.depth),
                                                .probability = wish.probability});
    }
}

void ExpertSupply::endStep() {
    m_state->drain();
    m_state->meter.ended(m_state->clock.now());
}

std::int64_t ExpertSupply::guessBudget(int layer, std::int64_t fixed, std::int64_t expertBytes) const {
    if (m_state->meter.resting())
        return 0;
    return fixed == kMeasuredBudget ? m_state->meter.spare().budget(layer, expertBytes) : fixed;
}

void ExpertSupply::setWatched(bool watched) {
    m_state->announce(m_state->meter.setWatched(watched));
}

void ExpertSupply::setMissService(std::unique_ptr<policy::MissService> service) {
    m_state->service = std::move(service);
}

void ExpertSupply::linkChanged() {
    m_state->copyNs = -1;
    m_state->meter.linkChanged();
}

const policy::Residency& ExpertSupply::expected() const {
    return m_state->expected;
}

void ExpertSupply::setPlan(policy::SlotPlan plan) {
    settle();
    for (const ExpertKey key : m_state->cache.setPlan(std::move(plan)))
        m_state->evicted(key, trace::EvictionCause::Budget, {});
    m_state->emitAllocation();
}

void ExpertSupply::setCachePolicy(std::unique_ptr<policy::CachePolicy> policy) {
    m_state->cache.setPolicy(std::move(policy));
}

int ExpertSupply::fill() {
    State& state = *m_state;
    int queued = 0;
    for (int layer = 0; layer < state.cache.shape().layers; ++layer)
        for (int expert = 0; expert < state.cache.shape().experts; ++expert) {
            const ExpertKey key = trace::expertKey(layer, expert);
            if (state.cache.state(key) != ResidencyState::Absent || state.cache.used(layer) >= state.cache.capacity(layer))
                continue;
            const auto admission = state.cache.admit(key, AdmitFor::Prefetch);
            if (!admission)
                continue;
            state.request(key, admission->slot, trace::TransferCause::Allocation);
            ++queued;
        }
    return queued;
}

void ExpertSupply::finishTransfers() {
    m_state->awaitAll();
}

void ExpertSupply::settle() {
    m_state->closeQuestion();
    m_state->abandonSpeculation();
    m_state->awaitAll();
}

} // namespace moescope::expert

#include "engine/expert/supply_state.h"

#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <utility>

namespace moescope::expert {

using trace::ExpertKey;
using trace::TransferCause;

namespace {

/// Goes an eighth of the way to what was measured last; all of it from what is not known.
void follow(double& mean, double measured) {
    constexpr double kNew = 1.0 / 8;
    mean = mean < 0 ? measured : mean + kNew * (measured - mean);
}

} // namespace

bool ExpertSupply::State::Expected::resident(ExpertKey key) const {
    return m_state.cache.state(key) != ResidencyState::Absent && m_state.journey(key).fate != Fate::Cancelled;
}

ExpertSupply::State::State(ExpertCache& cacheOf, ExpertMover& moverOf, trace::Tracer& tracerOf, const trace::Clock& clockOf)
    : cache(cacheOf), mover(moverOf), tracer(tracerOf), clock(clockOf), meter(cacheOf.shape().layers) {
    const auto experts = static_cast<std::size_t>(cache.shape().experts);
    items.reserve(experts);
    arrivals.reserve(experts);
    journeys.resize(static_cast<std::size_t>(cache.shape().layers) * experts);
}

const ExpertSupply::State::Journey& ExpertSupply::State::journey(ExpertKey key) const {
    return journeys[static_cast<std::size_t>(key.layer.value * cache.shape().experts + key.expert.value)];
}

ExpertSupply::State::Journey& ExpertSupply::State::journey(ExpertKey key) {
    return const_cast<Journey&>(std::as_const(*this).journey(key));
}

void ExpertSupply::State::classify(const Want& want, ExpertKey key, trace::TimeNs now) {
    Journey& road = journey(key);
    Item item{.key = key, .transfer = {}, .tokens = want.tokens, .weight = want.weight};
    const ResidencyState residency = cache.state(key);
    if (residency == ResidencyState::Resident) {
        item.stage = Stage::Hit;
        cache.pin(key);
        tracer.emit(trace::ExpertHit{.at = now, .token = token, .key = key});
        if (road.guess.valid())
            meter.guessUsed(road.copyNs);
        resolveGuess(key, true);
    } else {
        const bool inFlight = residency == ResidencyState::Loading && road.fate != Fate::Cancelled;
        tracer.emit(trace::ExpertMissed{.at = now, .token = token, .key = key, .inFlight = inFlight});
        // Longer ago, the policy would have let it go by now.
        constexpr std::int64_t kRegretSteps = 2;
        if (road.lostStep >= 0 && step - road.lostStep <= kRegretSteps)
            meter.regretted();
        road.lostStep = -1;
        if (residency == ResidencyState::Loading) {
            item.stage = Stage::Moving;
            item.transfer = road.transfer;
            cache.pin(key);
        }
        item.guessed = inFlight;
    }
    items.push_back(item);
}

void ExpertSupply::State::awaitGuess(ExpertKey key, trace::TimeNs now) {
    Journey& road = journey(key);
    mover.promote(road.transfer);
    road.promoted = true;
    road.askedAt = now;
    std::erase(speculative, key);
    if (road.fate == Fate::Wanted)
        resolveGuess(key, true);
}

void ExpertSupply::State::shareMisses(trace::TimeNs now) {
    misses.clear();
    missItems.clear();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const Item& item = items[i];
        if (item.stage != Stage::NeedsSlot && !item.guessed)
            continue;
        const double arrives = std::max(0.0, journey(item.key).expectedAt - static_cast<double>(now));
        misses.push_back({item.tokens, item.weight, item.guessed ? arrives : -1});
        missItems.push_back(i);
    }
    if (misses.empty())
        return;
    // What was slow once, with cold caches or a busy machine, is measured anew from time to time.
    constexpr int kTryAgain = 500;
    if (++untried > kTryAgain)
        inPlaceNs = -1;
    // Where the next layer's guesses wait for the link as well, half of its time is as good as waiting.
    const double linkWorth = foresees && !meter.resting() ? 0.5 : 0;
    service->choose({.misses = misses,
                     .freeSlots = cache.capacity(askedLayer) - cache.used(askedLayer),
                     .copyNs = copyNs,
                     .inPlaceNs = inPlaceNs,
                     .linkWorth = linkWorth},
                    chosen);
    for (const int miss : chosen) {
        Item& item = items[missItems[static_cast<std::size_t>(miss)]];
        if (item.guessed)
            cache.unpin(item.key);
        item.stage = Stage::InPlace;
        item.inPlace = true;
    }
    for (const std::size_t i : missItems)
        if (items[i].guessed && !items[i].inPlace)
            awaitGuess(items[i].key, now);
}

void ExpertSupply::State::ranInPlace(const Item& item) {
    follow(inPlaceNs, static_cast<double>(clock.now() - item.handedAt) / item.tokens);
    untried = 0;
}

void ExpertSupply::State::closeQuestion() {
    for (const Item& item : items) {
        if (item.pinned())
            cache.unpin(item.key);
        if (item.stage != Stage::Moving)
            continue;
        // The answer was stopped: nobody waits for these bytes any more.
        Journey& road = journey(item.key);
        if (std::find(speculative.begin(), speculative.end(), item.key) == speculative.end())
            speculative.push_back(item.key);
        road.fate = Fate::Cancelled;
        mover.cancel(road.transfer);
    }
    items.clear();
    arrivals.clear();
    handedArrivals = 0;
}

void ExpertSupply::State::drain() {
    for (const TransferDone& done : mover.poll()) {
        Journey& road = journey(done.key);
        if (road.transfer != done.transfer)
            continue;
        if (done.firstPart) {
            firstPartArrived(done.key);
            continue;
        }
        measure(done, road);
        road.transfer = {};
        road.fate = Fate::Wanted;
        --underWay;
        std::erase(speculative, done.key);
        if (done.outcome == trace::TransferOutcome::Completed)
            arrived(done.key);
        else
            lost(done.key);
    }
}

void ExpertSupply::State::measure(const TransferDone& done, Journey& road) {
    if (road.cause == TransferCause::Demand)
        meter.demandCopied(done);
    // A guess may have made way for others while it travelled.
    if (done.outcome == trace::TransferOutcome::Completed && (road.cause == TransferCause::Demand || copyNs < 0))
        follow(copyNs, static_cast<double>(done.end - done.begin));
    if (road.cause != TransferCause::Prefetch || done.outcome != trace::TransferOutcome::Completed)
        return;
    if (road.promoted)
        meter.lateGuessCopied(done, road.askedAt);
    else
        road.copyNs = done.end - done.begin;
}

void ExpertSupply::State::arrived(ExpertKey key) {
    cache.loaded(key);
    for (std::size_t i = 0; i < items.size(); ++i)
        if (items[i].key == key && items[i].stage == Stage::Moving) {
            items[i].stage = Stage::Arrived;
            items[i].begins = false;
            arrivals.push_back(i);
            resolveGuess(key, true); // dropped too late, and then asked for
        }
}

void ExpertSupply::State::firstPartArrived(ExpertKey key) {
    for (Item& item : items)
        item.begins = item.begins || (item.key == key && item.stage == Stage::Moving && !item.begun);
}

bool ExpertSupply::State::somethingCame() const {
    return handedArrivals < arrivals.size() ||
           std::any_of(items.begin(), items.end(), [](const Item& item) { return item.begins; });
}

void ExpertSupply::State::lost(ExpertKey key) {
    cache.abandoned(key);
    resolveGuess(key, false);
    for (Item& item : items)
        if (item.key == key && item.stage == Stage::Moving) {
            item.stage = Stage::NeedsSlot;
            item.begins = item.begun = false;
        }
}

void ExpertSupply::State::admitWaiting() {
    for (Item& item : items) {
        if (item.stage != Stage::NeedsSlot)
            continue;
        const auto admission = cache.admit(item.key, AdmitFor::Demand);
        if (!admission) {
            makeRoom();
            return;
        }
        if (admission->evicted)
            evicted(*admission->evicted, trace::EvictionCause::Demand, item.key);
        cache.pin(item.key);
        request(item.key, admission->slot, TransferCause::Demand);
        item.transfer = journey(item.key).transfer;
        item.stage = Stage::Moving;
    }
}

void ExpertSupply::State::makeRoom() {
    const auto inPool = [this](ExpertKey key) { return samePool(key, askedLayer); };
    auto wanting = countOf(Stage::NeedsSlot) - std::count_if(speculative.begin(), speculative.end(), [&](ExpertKey key) {
                       return inPool(key) && journey(key).fate == Fate::Cancelled;
                   });
    const auto cancelThose = [&](Fate fate) {
        // The newest guess is the one for the farthest layer: it has the most time to come again.
        for (auto key = speculative.rbegin(); key != speculative.rend() && wanting > 0; ++key)
            if (inPool(*key) && journey(*key).fate == fate) {
                journey(*key).fate = Fate::Cancelled;
                mover.cancel(journey(*key).transfer);
                --wanting;
            }
    };
    cancelThose(Fate::Withdrawn);
    cancelThose(Fate::Wanted);
}

void ExpertSupply::State::withdrawStale() {
    bool any = false;
    for (const ExpertKey key : speculative) {
        Journey& road = journey(key);
        if (road.cause != TransferCause::Prefetch || road.fate != Fate::Wanted)
            continue;
        if (std::pair(road.targetStep, key.layer.value) > std::pair(step, askedLayer))
            continue;
        road.fate = Fate::Withdrawn;
        mover.withdraw(road.transfer);
        any = true;
    }
    if (any)
        drain();
}

void ExpertSupply::State::abandonSpeculation() {
    for (const ExpertKey key : speculative) {
        journey(key).fate = Fate::Cancelled;
        mover.cancel(journey(key).transfer);
    }
}

void ExpertSupply::State::awaitAll() {
    drain();
    while (underWay > 0) {
        mover.waitForOne();
        drain();
    }
}

int ExpertSupply::State::countOf(Stage stage) const {
    return static_cast<int>(std::count_if(items.begin(), items.end(), [&](const Item& item) { return item.stage == stage; }));
}

std::optional<ExpertSupply::Ready> ExpertSupply::State::handOut() {
    auto item = std::find_if(items.begin(), items.end(), [](const Item& one) { return one.stage == Stage::Hit; });
    if (item == items.end() && handedArrivals < arrivals.size())
        item = items.begin() + static_cast<std::ptrdiff_t>(arrivals[handedArrivals++]);
    if (item != items.end()) {
        item->stage = Stage::Handed;
        return Ready{item->key.expert.value, cache.slotOf(item->key), item->begun ? ExpertPart::Rest : ExpertPart::Whole};
    }
    item = std::find_if(items.begin(), items.end(), [](const Item& one) { return one.begins; });
    if (item == items.end())
        return std::nullopt;
    item->begins = false;
    item->begun = true;
    return Ready{item->key.expert.value, cache.slotOf(item->key), ExpertPart::First};
}

ExpertSupply::Ready ExpertSupply::State::handOutInPlace() {
    const auto item = std::find_if(items.begin(), items.end(), [](const Item& one) { return one.stage == Stage::InPlace; });
    item->stage = Stage::Handed;
    item->handedAt = clock.now();
    return Ready{item->key.expert.value, -1, ExpertPart::Whole};
}

void ExpertSupply::State::request(ExpertKey key, int slot, TransferCause cause) {
    Journey& road = journey(key);
    if (cause == TransferCause::Demand)
        meter.demandRequested(std::any_of(speculative.begin(), speculative.end(),
                                          [this](ExpertKey other) { return journey(other).cause == TransferCause::Prefetch; }));
    road.transfer = mover.request({.key = key, .slot = slot, .cause = cause, .token = token});
    road.cause = cause;
    road.fate = Fate::Wanted;
    road.promoted = false;
    road.copyNs = 0;
    road.lostStep = -1;
    expectArrival(road, cause);
    ++underWay;
    if (cause != TransferCause::Demand)
        speculative.push_back(key);
}

void ExpertSupply::State::expectArrival(Journey& road, TransferCause cause) {
    const double takes = std::max(0.0, copyNs);
    const auto now = static_cast<double>(clock.now());
    linkFreeAt = (underWay == 0 ? now : std::max(now, linkFreeAt)) + takes;
    road.expectedAt = linkFreeAt;
    if (cause == TransferCause::Demand)
        for (const ExpertKey key : speculative) // which make way for it
            journey(key).expectedAt += takes;
}

void ExpertSupply::State::evicted(ExpertKey key, trace::EvictionCause cause, ExpertKey replacedBy) {
    tracer.emit(trace::ExpertEvicted{.at = clock.now(), .token = token, .key = key, .cause = cause, .replacedBy = replacedBy});
    resolveGuess(key, false);
}

void ExpertSupply::State::resolveGuess(ExpertKey key, bool used) {
    Journey& road = journey(key);
    if (!road.guess.valid())
        return;
    tracer.emit(trace::PrefetchResolved{.at = clock.now(), .token = token, .key = key, .transfer = road.guess, .used = used});
    meter.guessResolved();
    road.guess = {};
}

void ExpertSupply::State::announce(policy::PrefetchWatch::Turn turn) {
    using Turn = policy::PrefetchWatch::Turn;
    if (turn == Turn::None)
        return;
    const bool rests = turn == Turn::Rests;
    const trace::TimeNs now = clock.now();
    const std::string change =
        fmt::format("{}{}{}{}{}", kPrefetchState, '\0', rests ? "on" : "resting", '\0', rests ? "resting" : "on");
    tracer.emit(trace::SettingChanged{.at = now, .token = token}, trace::asPayload(change));
    const auto ms = [](trace::TimeNs ns) { return static_cast<double>(ns) / 1e6; };
    const policy::PrefetchWatch::Balance& was = meter.watch().balance();
    const std::string note =
        rests ? fmt::format("{}rests: its last {} guesses hid {:.3f} ms of copying and made demand wait {:.3f} ms; it is tried "
                            "again after {} steps.",
                            kPrefetchNote, was.guesses, ms(was.hidden), ms(was.delay), meter.watch().restSteps())
              : fmt::format("{}is tried again.", kPrefetchNote);
    tracer.emit(trace::NoteMade{.at = now, .token = token}, trace::asPayload(note));
}

void ExpertSupply::State::emitAllocation() {
    const trace::TimeNs now = clock.now();
    const policy::SlotPlan& plan = cache.plan();
    if (plan.global())
        tracer.emit(trace::SlotsAllocated{.at = now, .layer = {}, .slots = plan.total});
    for (std::size_t i = 0; i < plan.perLayer.size(); ++i)
        tracer.emit(
            trace::SlotsAllocated{.at = now, .layer = trace::Layer(static_cast<std::int32_t>(i)), .slots = plan.perLayer[i]});
}

} // namespace moescope::expert

#pragma once
#include "engine/expert/expert_cache.h"
#include "engine/expert/expert_mover.h"
#include "engine/policy/miss_service.h"
#include "engine/policy/prefetch_policy.h"
#include "engine/policy/prefetch_watch.h"
#include "engine/policy/spare_time.h"
#include "engine/trace/clock.h"
#include "engine/trace/tracer.h"

namespace moescope::expert {

/// Joins cache, mover and prefetch policy into one question for the decoder: "these experts of this layer, please". Emits
/// ExpertHit, ExpertMissed, ExpertEvicted, PrefetchIssued, PrefetchResolved, StallSpan, SlotsAllocated; and, when guesses begin
/// or end to rest, SettingChanged (kPrefetchState) and NoteMade (beginning with kPrefetchNote). Engine thread only.
/// Used unchanged by the simulator with a mover on a virtual clock.
class ExpertSupply {
public:
    static constexpr const char* kPrefetchState = "prefetch-state"; ///< on, or resting
    static constexpr const char* kPrefetchNote = "Prefetching ";

    /// Emits the allocation that the cache begins with.
    ExpertSupply(ExpertCache& cache, ExpertMover& mover, trace::Tracer& tracer, const trace::Clock& clock);
    ~ExpertSupply();

    struct Want {
        int expert = 0;
        float weight = 0; ///< largest gate weight among the tokens that want it
        int tokens = 1;   ///< of the pass
    };

    void beginSequence();
    void beginStep(trace::TokenIndex token, trace::Phase phase = trace::Phase::Decode);

    /// Asks for the experts of one layer (each at most once). Hits are pinned at once; misses are shared out by the miss
    /// service, and for those that travel transfers are queued while slots can be had. Emits hit/miss for each, in the order
    /// given.
    void ask(int layer, std::span<const Want> wants);
    struct Ready {
        int expert = -1;
        int slot = -1; ///< -1: to be computed in place
        /// First: enough has arrived to begin, and the expert is handed out again, as Rest, for the rest; it needs a done()
        /// then.
        ExpertPart part = ExpertPart::Whole;
        bool inPlace() const { return slot < 0; }
    };
    /// The next expert of the current question that can run: residents first, then what has arrived, or its first
    /// part, then what is to be computed in place, while the rest travels; waits (and records the stall) if none is there yet.
    /// Nothing when all have been handed out. What is handed out to be computed in place is measured until its done(). Every
    /// Ready must be released with done() before the slots can be reused: when a layer has fewer slots than experts are wanted,
    /// next() throws std::logic_error if it would have to wait for the caller's done(). A failure of the mover comes out as its
    /// exception.
    std::optional<Ready> next();
    void done(int expert);
    /// How many experts of the current question next() would hand out whole and in a slot without waiting. An expert that is to
    /// be computed in place is none of them, also when a guess has brought it since it was asked for.
    int atHand() const;

    /// Offers guesses for later layers, within the budget. Call after ask(), before next(), so that the copies overlap compute.
    /// A guess whose layer is asked for without it, or was passed, is withdrawn. A guess for a layer at or before the present
    /// one is for the next step. Nothing that the plan foresees leaves for a wish.
    void prefetch(const policy::PrefetchPlan& plan);
    /// The step's layers are through: from here to the next step's first question the link is free for guesses at that.
    void endStep();
    /// Bytes that may be guessed at after the given layer's question (the last one's: after endStep()). fixed: as many, unless
    /// guesses rest. kMeasuredBudget: what does not make demand wait, as measured in steps of this phase.
    std::int64_t guessBudget(int layer, std::int64_t fixed, std::int64_t expertBytes) const;
    static constexpr std::int64_t kMeasuredBudget = -1;
    /// Whether guesses rest while they cost more than they gain (policy::PrefetchWatch); on at first.
    void setWatched(bool watched);
    /// Who computes misses from the next question on; `copy` at first.
    void setMissService(std::unique_ptr<policy::MissService> service);
    /// The mover has another link: what was measured of the old one is forgotten.
    void linkChanged();
    /// Resident or on its way; what prefetch policies may ask.
    const policy::Residency& expected() const;

    /// Between tokens: applies a plan or policy, emitting evictions and allocations. Cancels guesses and waits for transfers.
    /// Afterwards the backend must provide cache.slotCount() slots. Throws std::invalid_argument as ExpertCache::setPlan.
    void setPlan(policy::SlotPlan plan);
    void setCachePolicy(std::unique_ptr<policy::CachePolicy> policy);
    /// Fills free slots with absent experts in key order, without evicting; the copies are queued with cause Allocation and
    /// give way to demand. At the start, or when the budget grows to all experts. Returns how many were queued.
    int fill();
    /// Waits until everything under way has arrived (after fill(), so that a run begins warm).
    void finishTransfers();
    /// Cancels what was guessed or filled and waits for the rest; nothing is under way afterwards. Before the mover or the
    /// slots go or move.
    void settle();

private:
    struct State;
    std::unique_ptr<State> m_state;
};

} // namespace moescope::expert

#pragma once
#include "engine/expert/expert_cache.h"
#include "engine/expert/expert_mover.h"
#include "engine/policy/prefetch_policy.h"
#include "engine/trace/clock.h"
#include "engine/trace/tracer.h"

namespace moescope::expert {

/// Joins cache, mover and prefetch policy into one question for the decoder: "these experts of this layer, please". Emits
/// ExpertHit, ExpertMissed, ExpertEvicted, PrefetchIssued, PrefetchResolved, StallSpan, SlotsAllocated. Engine thread only.
/// Used unchanged by the simulator with a mover on a virtual clock.
class ExpertSupply {
public:
    ExpertSupply(ExpertCache& cache, ExpertMover& mover, trace::Tracer& tracer, const trace::Clock& clock);
    ~ExpertSupply();

    struct Want {
        int expert = 0;
        float weight = 0;      ///< largest gate weight among the tokens that want it
    };

    void beginSequence();
    void beginStep(trace::TokenIndex token);

    /// Asks for the experts of one layer (each at most once). Hits are pinned at once; for misses, transfers are queued while
    /// slots can be had. Emits hit/miss for each, in the order given.
    void ask(int layer, std::span<const Want> wants);
    struct Ready {
        int expert = -1;
        int slot = -1;
    };
    /// The next expert of the current question that can run; waits (and records the stall) if none is there yet. Nothing when
    /// all have been handed out. Every Ready must be released with done() before the slots can be reused.
    std::optional<Ready> next();
    void done(int expert);

    /// Offers guesses for later layers, within the budget. Call after ask(), before next(), so that the copies overlap compute.
    void prefetch(std::span<const policy::PrefetchWish> wishes);
    /// Resident or on its way; what prefetch policies may ask.
    const policy::Residency& expected() const;

    /// Between tokens: applies a plan or policy, emitting evictions and allocations. Waits for transfers that stand in the way.
    void setPlan(policy::SlotPlan plan);
    void setCachePolicy(std::unique_ptr<policy::CachePolicy> policy);
    /// Waits for or cancels everything under way; before the mover or the slots go.
    void settle();

private:
    struct State;
    std::unique_ptr<State> m_state;
};

} // namespace moescope::expert

#pragma once
#include "engine/policy/allocation_policy.h"
#include "engine/policy/cache_policy.h"
#include "engine/policy/gate_policy.h"

#include <optional>

namespace moescope::expert {

enum class ResidencyState : std::uint8_t { Absent = 0, Loading = 1, Resident = 2 };
enum class AdmitFor : std::uint8_t { Demand, Prefetch };

/// Which expert sits in which slot: slots, pins, who may leave. Mechanism only: owns no memory, moves no bytes, knows no clock.
/// Owned by ExpertSupply (engine) or the simulator; one thread. The policy decides who leaves, the plan how many fit.
class ExpertCache final : public policy::Residency {
public:
    struct Shape {
        int layers = 0;
        int experts = 0;
    };
    struct Admission {
        int slot = -1;
        std::optional<trace::ExpertKey> evicted;
    };

    /// Throws std::invalid_argument with one sentence if the plan does not fit the shape or leaves a layer without a slot.
    ExpertCache(Shape shape, std::unique_ptr<policy::CachePolicy> policy, policy::SlotPlan plan);
    ~ExpertCache() override;

    const Shape& shape() const { return m_shape; }
    const policy::SlotPlan& plan() const { return m_plan; }

    ResidencyState state(trace::ExpertKey key) const;
    bool resident(trace::ExpertKey key) const override { return state(key) == ResidencyState::Resident; }
    /// Slot of a resident or loading expert, -1 if absent.
    int slotOf(trace::ExpertKey key) const;
    /// Residents of the layer's pool (whole pool when global) that are loading or resident.
    int used(int layer) const;
    /// Slots of the layer's pool (whole pool when global). used() may exceed it until trim().
    int capacity(int layer) const;

    /// The router asked for it (hit or miss alike); feeds the policy.
    void touch(trace::ExpertKey key, float weight);
    void beginSequence();

    /// Gives the absent expert a slot in state Loading, evicting an unpinned resident of its pool if none is free.
    /// Nothing if every slot of the pool is pinned or loading, if the expert is not absent, or while entries over the limit
    /// wait for trim(). For Prefetch, live entries are not evicted either: those touched, prefetched or foreseen within the
    /// last setSpareSteps() steps. The lowest free slot is given, so that high slots fall empty after the plan shrank.
    std::optional<Admission> admit(trace::ExpertKey key, AdmitFor purpose);
    void loaded(trace::ExpertKey key);    ///< Loading -> Resident
    void abandoned(trace::ExpertKey key); ///< Loading -> Absent (cancelled); its pins are forgotten

    void pin(trace::ExpertKey key); ///< nestable; a pinned expert is not evicted
    void unpin(trace::ExpertKey key);
    /// Marks the beginning of a new step for the rule of live entries.
    void beginStep();
    /// What the prefetch policy says: as policy::PrefetchParameters::spareSteps.
    void setSpareSteps(int steps);
    /// It will probably be asked for soon: as live as if it had been touched now.
    void foreseen(trace::ExpertKey key);

    /// Applies another plan (checked as in the constructor); evicts by policy what no longer fits and returns it. Pinned and
    /// loading entries over the limit stay until trim() is called again after they are free. Slots are numbered 0..plan.total-1
    /// of the *larger* of old and new plan until the evictions are done; see slotCount().
    std::vector<trace::ExpertKey> setPlan(policy::SlotPlan plan);
    std::vector<trace::ExpertKey> trim();
    void setPolicy(std::unique_ptr<policy::CachePolicy> policy); ///< the new one is told of all residents, in key order
    std::string_view policyName() const;
    /// Highest slot number in use or allowed, plus one: how many slots the backend must provide.
    int slotCount() const;

private:
    std::optional<trace::ExpertKey> evictOne(int layer, AdmitFor purpose);
    void release(trace::ExpertKey key);

    struct State;
    Shape m_shape;
    policy::SlotPlan m_plan;
    std::unique_ptr<State> m_state;
};

} // namespace moescope::expert

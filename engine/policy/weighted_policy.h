#pragma once
#include "engine/policy/cache_policy.h"
#include "engine/policy/recency.h"
#include "engine/policy/step_log.h"

namespace moescope::policy {

/// HOBBIT's mixture (arXiv 2411.01433, section 3.4): the expert leaves whose
///     p = w_lru * R/T + w_lfu * F/T + w_fld * (1 - ((l_t - l_i + L) mod L) / L)
/// is lowest, with R the step of this sequence in which it was last asked for, F how often, T the steps so far, l_t its layer,
/// l_i the layer at work. (The paper's fourth term, high-precision uses, equals the second where there is one precision: its
/// weight belongs to w_lfu.) Weights are scaled to sum to 1. Equal p: the least recently wanted, then the lower key. Owned by
/// its cache; one thread.
class WeightedPolicy final : public CachePolicy {
public:
    /// Throws std::invalid_argument with one sentence unless the weights are finite, not negative and not all 0.
    explicit WeightedPolicy(const CacheWeights& weights);

    std::string_view name() const override { return "weighted"; }
    void beginSequence() override { m_log.beginSequence(); }
    void beginStep() override { m_log.beginStep(); }
    void touched(trace::ExpertKey key, float weight) override;
    void admitted(trace::ExpertKey key) override;
    std::size_t victim(std::span<const trace::ExpertKey> candidates) override;

private:
    double priority(trace::ExpertKey key);

    CacheWeights m_weights;
    StepLog m_log;
    Recency m_recency;
};

} // namespace moescope::policy

#pragma once
#include "engine/policy/cache_policy.h"
#include "engine/policy/recency.h"
#include "engine/policy/step_log.h"

namespace moescope::policy {

/// MoE-APEX's replacement (ASPLOS'26; the journal form of HOBBIT, arXiv 2411.01433): the expert leaves whose
///     p = C/T + [its layer's last turn used it] / (((l_t - l_i + L) mod L) + 0.1)
/// is lowest, with C its uses in this sequence, T the steps so far, l_t its layer, l_i the layer at work. (The paper's C adds
/// low-precision uses by their share of bytes; here there is one precision.) Equal p: the least recently wanted, then the lower
/// key. No weights to tune. Owned by its cache; one thread.
class LcuPolicy final : public CachePolicy {
public:
    std::string_view name() const override { return "lcu"; }
    void beginSequence() override { m_log.beginSequence(); }
    void beginStep() override { m_log.beginStep(); }
    void touched(trace::ExpertKey key, float weight) override;
    void admitted(trace::ExpertKey key) override;
    std::size_t victim(std::span<const trace::ExpertKey> candidates) override;

private:
    double priority(trace::ExpertKey key);

    StepLog m_log;
    Recency m_recency;
};

} // namespace moescope::policy

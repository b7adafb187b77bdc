#pragma once
#include "engine/policy/prefetch_policy.h"

namespace moescope::policy {

/// AdapMoE's adaptive prefetching (arXiv 2408.10284, section 4.2): the next layers' own gates, applied to this layer's gate
/// input, say what they will probably want. What gating would drop there is not fetched; a farther layer gets its turn only
/// when everything predicted for the nearer one is resident, on its way or wished for. The first layer, which no layer is
/// before, is foreseen at the end of a step by the calibration's extra gate. Immutable; any thread.
class NextLayerPolicy final : public PrefetchPolicy {
public:
    /// depth in layers, 1..kMaxDepth; throws std::invalid_argument with one sentence otherwise.
    explicit NextLayerPolicy(const PrefetchParameters& parameters);
    static constexpr int kMaxDepth = 3;

    std::string_view name() const override { return "next-layer"; }
    int depth() const override { return m_parameters.depth; }
    int spareSteps() const override { return m_parameters.spareSteps; }
    PrefetchPlan suggest(const PrefetchQuestion& question) const override;

private:
    PrefetchParameters m_parameters;
};

} // namespace moescope::policy

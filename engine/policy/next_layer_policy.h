#pragma once
#include "engine/policy/prefetch_policy.h"

namespace moescope::policy {

/// AdapMoE's adaptive prefetching (arXiv 2408.10284, section 4.2): the next layers' own gates, applied to this layer's gate
/// input, say what they will probably want. What gating would drop there is not fetched; a farther layer gets its turn only
/// when everything predicted for the nearer one is resident, on its way or wished for. Immutable; any thread.
class NextLayerPolicy final : public PrefetchPolicy {
public:
    /// depth in layers, 1..kMaxDepth; throws std::invalid_argument with one sentence otherwise.
    explicit NextLayerPolicy(int depth);
    static constexpr int kMaxDepth = 3;

    std::string_view name() const override { return "next-layer"; }
    int depth() const override { return m_depth; }
    std::vector<PrefetchWish> suggest(const PrefetchQuestion& question) const override;

private:
    int m_depth = 1;
};

} // namespace moescope::policy

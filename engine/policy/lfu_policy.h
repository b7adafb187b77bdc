#pragma once
#include "engine/policy/cache_policy.h"
#include "engine/policy/recency.h"

namespace moescope::policy {

/// The expert that this sequence asked for least often leaves; equal counts: the least recently wanted, then the lower key.
/// Counts start again with every sequence and outlive an eviction within it. Owned by its cache; one thread.
class LfuPolicy final : public CachePolicy {
public:
    std::string_view name() const override { return "lfu"; }
    void beginSequence() override;
    void touched(trace::ExpertKey key, float weight) override;
    void admitted(trace::ExpertKey key) override;
    std::size_t victim(std::span<const trace::ExpertKey> candidates) override;

private:
    Recency m_recency;
    KeyTable<std::uint64_t> m_counts;
};

} // namespace moescope::policy

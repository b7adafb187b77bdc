#pragma once
#include "engine/policy/cache_policy.h"
#include "engine/policy/recency.h"

namespace moescope::policy {

/// The expert that was not wanted for the longest time leaves; equal times: the lower key. Owned by its cache; one thread.
class LruPolicy final : public CachePolicy {
public:
    std::string_view name() const override { return "lru"; }
    void touched(trace::ExpertKey key, float weight) override;
    void admitted(trace::ExpertKey key) override;
    std::size_t victim(std::span<const trace::ExpertKey> candidates) override;

private:
    Recency m_recency;
};

} // namespace moescope::policy

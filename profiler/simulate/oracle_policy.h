#pragma once
#include "engine/policy/cache_policy.h"
#include "engine/trace/tracer.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace moescope::simulate {

/// When each expert will be asked for, as ordinals of the askings. Gathered by a first simulation: with gates that do not look
/// at the cache, what is asked for does not depend on who is evicted. Immutable when used; any thread.
class FutureAskings final : public trace::Tracer {
public:
    FutureAskings(int layers, int experts);
    /// Takes the hits and misses.
    void emit(const trace::Event& event, trace::Payload payload) noexcept override;

    const std::vector<std::int64_t>& of(trace::ExpertKey key) const { return m_askings[index(key)]; }
    std::size_t index(trace::ExpertKey key) const {
        return static_cast<std::size_t>(key.layer.value) * m_experts + static_cast<std::size_t>(key.expert.value);
    }
    std::size_t size() const { return m_askings.size(); }

private:
    std::size_t m_experts;
    std::vector<std::vector<std::int64_t>> m_askings; ///< [layers * experts], rising
    std::int64_t m_now = 0;
};

/// Belady's MIN (IBM Systems Journal 5(2), 1966) in the real cache: the expert leaves that will be asked for last; equal: the
/// lower key. The best that any eviction can reach where every missing expert must take a slot. Owned by its cache; one thread.
class OraclePolicy final : public policy::CachePolicy {
public:
    explicit OraclePolicy(std::shared_ptr<const FutureAskings> future);

    std::string_view name() const override { return "belady"; }
    /// Throws std::runtime_error with one sentence if the expert was not foreseen: then the gate looks at the cache.
    void touched(trace::ExpertKey key, float weight) override;
    void admitted(trace::ExpertKey) override {}
    std::size_t victim(std::span<const trace::ExpertKey> candidates) override;

private:
    std::int64_t nextUse(trace::ExpertKey key) const;

    std::shared_ptr<const FutureAskings> m_future;
    std::vector<std::size_t> m_used; ///< [layers * experts], askings that have happened
    std::int64_t m_now = 0;
};

} // namespace moescope::simulate

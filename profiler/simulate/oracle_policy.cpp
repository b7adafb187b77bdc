#include "profiler/simulate/oracle_policy.h"

#include <limits>
#include <stdexcept>
#include <utility>

namespace moescope::simulate {

FutureAskings::FutureAskings(int layers, int experts)
    : m_experts(static_cast<std::size_t>(experts)),
      m_askings(static_cast<std::size_t>(layers) * static_cast<std::size_t>(experts)) {}

void FutureAskings::emit(const trace::Event& event, trace::Payload) noexcept {
    if (const auto* hit = std::get_if<trace::ExpertHit>(&event))
        m_askings[index(hit->key)].push_back(m_now++);
    else if (const auto* miss = std::get_if<trace::ExpertMissed>(&event))
        m_askings[index(miss->key)].push_back(m_now++);
}

OraclePolicy::OraclePolicy(std::shared_ptr<const FutureAskings> future)
    : m_future(std::move(future)), m_used(m_future->size()) {}

void OraclePolicy::touched(trace::ExpertKey key, float) {
    std::size_t& used = m_used[m_future->index(key)];
    const std::vector<std::int64_t>& askings = m_future->of(key);
    if (used == askings.size() || askings[used] != m_now)
        throw std::runtime_error("The optimum cannot be simulated with a gate whose choice depends on what the cache holds.");
    ++used;
    ++m_now;
}

std::int64_t OraclePolicy::nextUse(trace::ExpertKey key) const {
    const std::vector<std::int64_t>& askings = m_future->of(key);
    const std::size_t used = m_used[m_future->index(key)];
    return used < askings.size() ? askings[used] : std::numeric_limits<std::int64_t>::max();
}

std::size_t OraclePolicy::victim(std::span<const trace::ExpertKey> candidates) {
    std::size_t last = 0;
    for (std::size_t i = 1; i < candidates.size(); ++i) {
        const std::int64_t mine = nextUse(candidates[i]);
        const std::int64_t best = nextUse(candidates[last]);
        if (mine > best || (mine == best && candidates[i] < candidates[last]))
            last = i;
    }
    return last;
}

} // namespace moescope::simulate

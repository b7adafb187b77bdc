#pragma once
#include "engine/trace/tracer.h"

#include <atomic>

namespace moescope::app {

/// Counts what went over the link and what was asked of the cache, and forgets everything else. Any thread.
class TrafficCounter final : public trace::Tracer, public trace::TracerSource {
public:
    struct Counts {
        std::int64_t bytes = 0;
        std::int64_t hits = 0;
        std::int64_t misses = 0;
    };

    trace::Tracer& openProducer(std::string_view) override { return *this; }
    void emit(const trace::Event& event, trace::Payload) noexcept override {
        if (const auto* moved = std::get_if<trace::TransferSpan>(&event))
            m_bytes += moved->bytes;
        else if (std::holds_alternative<trace::ExpertHit>(event))
            ++m_hits;
        else if (std::holds_alternative<trace::ExpertMissed>(event))
            ++m_misses;
    }
    /// Since the last call.
    Counts take() { return {m_bytes.exchange(0), m_hits.exchange(0), m_misses.exchange(0)}; }

private:
    std::atomic<std::int64_t> m_bytes = 0;
    std::atomic<std::int64_t> m_hits = 0;
    std::atomic<std::int64_t> m_misses = 0;
};

} // namespace moescope::app

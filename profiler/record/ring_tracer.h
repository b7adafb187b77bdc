#pragma once
#include "profiler/record/byte_ring.h"

#include <string>

namespace moescope::record {

/// The tracer of one producing thread: a ring and a count of what did not fit. Owned by the recorder, whose drain thread is
/// the ring's consumer.
class RingTracer final : public trace::Tracer {
public:
    RingTracer(std::string name, std::size_t bytes, const std::atomic<bool>& open)
        : m_name(std::move(name)), m_ring(bytes), m_open(open) {}

    void emit(const trace::Event& event, trace::Payload payload) noexcept override {
        if (!m_open.load(std::memory_order_relaxed))
            return;
        // Only this thread writes the count, so it needs no read-modify-write.
        if (!m_ring.push(event, payload))
            m_lost.store(m_lost.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    const std::string& name() const { return m_name; }
    ByteRing& ring() { return m_ring; }
    std::int64_t lost() const { return m_lost.load(std::memory_order_relaxed); }

private:
    std::string m_name;
    ByteRing m_ring;
    std::atomic<std::int64_t> m_lost{0};
    const std::atomic<bool>& m_open;
};

} // namespace moescope::record

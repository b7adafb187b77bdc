#pragma once
#include "engine/trace/tracer.h"

#include <atomic>
#include <cstdint>
#include <memory>

namespace moescope::record {

/// A lock-free queue of events and their payloads from one thread to another. Owned by a RingTracer. push() is the
/// producer's, the rest the consumer's; neither ever waits for the other.
class ByteRing {
public:
    /// Rounded up to a power of two.
    explicit ByteRing(std::size_t bytes);

    /// False if it does not fit now; nothing is written then.
    bool push(const trace::Event& event, trace::Payload payload) noexcept;

    struct Entry {
        trace::Event event;
        trace::Payload payload; ///< valid until pop()
    };
    /// Looks at what has been pushed so far: front() sees no more than that. Returns its end, a position that only grows.
    std::uint64_t look();
    /// The oldest entry that look() saw, if any.
    bool front(Entry& entry);
    /// Position just behind the entry of the last front().
    std::uint64_t frontEnd() const { return m_frontEnd; }
    void pop();

private:
    struct Header {
        std::uint32_t bytes = 0;        // of the record with its header, a multiple of 8
        std::uint32_t payloadBytes = 0; // kSkip: nothing here up to the end of the buffer
    };
    static constexpr std::uint32_t kSkip = 0xffffffffu;
    static constexpr std::size_t kCacheLine = 64;

    std::byte* at(std::uint64_t position) { return m_buffer.get() + (position & (m_size - 1)); }

    std::size_t m_size;
    std::unique_ptr<std::byte[]> m_buffer;
    // Each side's variables on a line of their own; the other side's position is cached, so that a push rarely touches it.
    alignas(kCacheLine) std::atomic<std::uint64_t> m_written{0};
    std::uint64_t m_readSeen = 0;
    alignas(kCacheLine) std::atomic<std::uint64_t> m_read{0};
    std::uint64_t m_writtenSeen = 0;
    std::uint64_t m_frontEnd = 0;
};

} // namespace moescope::record

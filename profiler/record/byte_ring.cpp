#include "profiler/record/byte_ring.h"

#include <bit>
#include <cstring>

namespace moescope::record {

static_assert(sizeof(trace::Event) % 8 == 0);

ByteRing::ByteRing(std::size_t bytes)
    : m_size(std::bit_ceil(std::max<std::size_t>(bytes, 4096))), m_buffer(std::make_unique<std::byte[]>(m_size)) {}

bool ByteRing::push(const trace::Event& event, trace::Payload payload) noexcept {
    const std::size_t need = (sizeof(Header) + sizeof event + payload.size() + 7) & ~std::size_t{7};
    if (need > m_size / 2)
        return false;
    std::uint64_t written = m_written.load(std::memory_order_relaxed);
    const std::size_t untilEnd = m_size - (written & (m_size - 1));
    const std::size_t skipped = untilEnd < need ? untilEnd : 0;
    if (written + skipped + need - m_readSeen > m_size) {
        m_readSeen = m_read.load(std::memory_order_acquire);
        if (written + skipped + need - m_readSeen > m_size)
            return false;
    }
    if (skipped > 0) {
        const Header skip{static_cast<std::uint32_t>(skipped), kSkip};
        std::memcpy(at(written), &skip, sizeof skip);
        written += skipped;
    }
    const Header header{static_cast<std::uint32_t>(need), static_cast<std::uint32_t>(payload.size())};
    std::byte* out = at(written);
    std::memcpy(out, &header, sizeof header);
    std::memcpy(out + sizeof header, &event, sizeof event);
    if (!payload.empty())
        std::memcpy(out + sizeof header + sizeof event, payload.data(), payload.size());
    m_written.store(written + need, std::memory_order_release);
    return true;
}

std::uint64_t ByteRing::look() {
    m_writtenSeen = m_written.load(std::memory_order_acquire);
    return m_writtenSeen;
}

bool ByteRing::front(Entry& entry) {
    std::uint64_t read = m_read.load(std::memory_order_relaxed);
    if (read == m_writtenSeen)
        return false;
    Header header;
    std::memcpy(&header, at(read), sizeof header);
    if (header.payloadBytes == kSkip) {
        read += header.bytes;
        std::memcpy(&header, at(read), sizeof header);
    }
    const std::byte* in = at(read) + sizeof header;
    std::memcpy(&entry.event, in, sizeof entry.event);
    entry.payload = {in + sizeof entry.event, header.payloadBytes};
    m_frontEnd = read + header.bytes;
    return true;
}

void ByteRing::pop() {
    m_read.store(m_frontEnd, std::memory_order_release);
}

} // namespace moescope::record

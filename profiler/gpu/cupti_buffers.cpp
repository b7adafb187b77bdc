#include "profiler/gpu/cupti_buffers.h"

#include <utility>

namespace moescope::gpu {

CuptiBuffers::CuptiBuffers(std::size_t count) : m_memory(std::make_unique<Buffer[]>(count)) {
    m_free.reserve(count);
    m_full.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
        m_free.push_back(m_memory[i].bytes);
}

std::uint8_t* CuptiBuffers::lend() noexcept {
    const std::lock_guard lock(m_mutex);
    if (m_free.empty()) {
        ++m_refused;
        return nullptr;
    }
    std::uint8_t* buffer = m_free.back();
    m_free.pop_back();
    return buffer;
}

void CuptiBuffers::giveBack(std::uint8_t* buffer, std::size_t bytes) noexcept {
    const std::lock_guard lock(m_mutex);
    m_full.push_back({buffer, bytes});
}

std::vector<CuptiBuffers::Full> CuptiBuffers::takeFull() {
    std::vector<Full> full;
    full.reserve(m_full.capacity());
    const std::lock_guard lock(m_mutex);
    std::swap(full, m_full);
    return full;
}

void CuptiBuffers::recycle(std::uint8_t* buffer) {
    const std::lock_guard lock(m_mutex);
    m_free.push_back(buffer);
}

std::int64_t CuptiBuffers::takeRefused() {
    const std::lock_guard lock(m_mutex);
    return std::exchange(m_refused, 0);
}

} // namespace moescope::gpu

#include "engine/backend/cpu/memory_region.h"

#include "engine/backend/cpu/weight_layout.h"

#include <cerrno>
#include <cstring>
#include <fmt/core.h>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace moescope::backend {
namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20U;

std::size_t pageBytes() {
    return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

} // namespace

MemoryRegion::MemoryRegion(std::size_t bytes) : m_bytes(roundUp(bytes == 0 ? 1 : bytes, pageBytes())) {
    // One large page more than asked for, so that the region can begin on a large-page boundary.
    const std::size_t reserved = m_bytes + kLargePage;
    void* address = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED)
        throw std::runtime_error(fmt::format("Cannot reserve {} MB of memory: {}.", bytes / 1'000'000, std::strerror(errno)));
    auto* begin = static_cast<std::byte*>(address);
    const auto misaligned = reinterpret_cast<std::uintptr_t>(begin) % kLargePage;
    const std::size_t lead = misaligned == 0 ? 0 : kLargePage - misaligned;
    if (lead > 0)
        munmap(begin, lead);
    m_data = begin + lead;
    munmap(m_data + m_bytes, reserved - lead - m_bytes);
    madvise(m_data, m_bytes, MADV_HUGEPAGE);
}

MemoryRegion::~MemoryRegion() {
    if (m_data != nullptr)
        munmap(m_data, m_bytes);
}

MemoryRegion::MemoryRegion(MemoryRegion&& other) noexcept
    : m_data(std::exchange(other.m_data, nullptr)), m_bytes(std::exchange(other.m_bytes, 0)) {}

MemoryRegion& MemoryRegion::operator=(MemoryRegion&& other) noexcept {
    std::swap(m_data, other.m_data);
    std::swap(m_bytes, other.m_bytes);
    return *this;
}

void MemoryRegion::release(std::size_t offset, std::size_t bytes) {
    const std::size_t first = roundUp(offset, pageBytes());
    const std::size_t last = (offset + bytes) / pageBytes() * pageBytes();
    if (last > first)
        madvise(m_data + first, last - first, MADV_DONTNEED);
}

} // namespace moescope::backend

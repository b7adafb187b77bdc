#pragma once
#include <cstddef>

namespace moescope::backend {

/// Address space whose pages the system provides when they are first written, on large pages where it can. Zeroed, 64-byte
/// (in fact page) aligned. Owner: whoever built it; any thread may touch the bytes.
class MemoryRegion {
public:
    MemoryRegion() = default;
    /// Throws std::runtime_error with one sentence if the address space cannot be had.
    explicit MemoryRegion(std::size_t bytes);
    ~MemoryRegion();
    MemoryRegion(MemoryRegion&& other) noexcept;
    MemoryRegion& operator=(MemoryRegion&& other) noexcept;

    std::byte* data() { return m_data; }
    const std::byte* data() const { return m_data; }
    std::size_t size() const { return m_bytes; }
    /// Gives the whole pages within the range back to the system; their bytes read as zero until written again.
    void release(std::size_t offset, std::size_t bytes);

private:
    std::byte* m_data = nullptr;
    std::size_t m_bytes = 0;
};

} // namespace moescope::backend

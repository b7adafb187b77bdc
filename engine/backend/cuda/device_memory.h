#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>

namespace moescope::backend::cuda {

enum class MemoryKind {
    Device,
    Pinned, ///< host memory that the GPU reads and writes in place and copies without staging
};

/// Bytes that CUDA allocated, not initialised; 256-byte aligned at least. Owner: whoever built it.
class GpuMemory {
public:
    GpuMemory() = default;
    /// Throws GpuError if there is not enough.
    GpuMemory(MemoryKind kind, std::size_t bytes);
    ~GpuMemory();
    GpuMemory(GpuMemory&& other) noexcept
        : m_kind(other.m_kind), m_data(std::exchange(other.m_data, nullptr)), m_bytes(std::exchange(other.m_bytes, 0)) {}
    GpuMemory& operator=(GpuMemory&& other) noexcept {
        std::swap(m_kind, other.m_kind);
        std::swap(m_data, other.m_data);
        std::swap(m_bytes, other.m_bytes);
        return *this;
    }

    std::byte* data() const { return static_cast<std::byte*>(m_data); }
    std::int64_t bytes() const { return static_cast<std::int64_t>(m_bytes); }

private:
    MemoryKind m_kind = MemoryKind::Device;
    void* m_data = nullptr;
    std::size_t m_bytes = 0;
};

/// The same, as elements.
template <class Element, MemoryKind Kind>
class GpuArray {
public:
    GpuArray() = default;
    explicit GpuArray(std::size_t count) : m_memory(Kind, count * sizeof(Element)) {}
    Element* data() const { return reinterpret_cast<Element*>(m_memory.data()); }
    std::int64_t bytes() const { return m_memory.bytes(); }

private:
    GpuMemory m_memory;
};
template <class Element>
using DeviceArray = GpuArray<Element, MemoryKind::Device>;
template <class Element>
using PinnedArray = GpuArray<Element, MemoryKind::Pinned>;

} // namespace moescope::backend::cuda

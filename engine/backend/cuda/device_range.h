#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace moescope::backend::cuda {

/// Device addresses that are reserved once and get memory from their beginning on, as far as asked for: grows and shrinks in
/// place, so that nothing has to be copied (CUDA's virtual memory management). Engine thread.
class DeviceRange {
public:
    /// Reserves addresses for `most` bytes, without memory. step: memory comes and goes in multiples of it (rounded up to
    /// the GPU's granularity). Throws GpuError.
    DeviceRange(std::size_t most, std::size_t step);
    ~DeviceRange();
    DeviceRange(const DeviceRange&) = delete;
    DeviceRange& operator=(const DeviceRange&) = delete;

    /// Memory for at least the first `bytes`; contents within both the old and the new size stay. The GPU must not be using
    /// what goes. Throws GpuError if there is not enough; the size is then what it was.
    void resize(std::size_t bytes);
    std::byte* data() const { return reinterpret_cast<std::byte*>(m_address); }
    std::size_t size() const { return m_pieces.size() * m_step; }
    std::size_t step() const { return m_step; }

private:
    void grow();
    void shrink();

    std::uint64_t m_address = 0;
    std::size_t m_reserved = 0;
    std::size_t m_step = 0;
    std::vector<std::uint64_t> m_pieces; ///< memory handles, one per step
};

} // namespace moescope::backend::cuda

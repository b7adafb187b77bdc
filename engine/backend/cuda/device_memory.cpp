#include "engine/backend/cuda/device_memory.h"

#include "engine/backend/cuda/gpu_error.h"

#include <fmt/core.h>

namespace moescope::backend::cuda {

GpuMemory::GpuMemory(MemoryKind kind, std::size_t bytes) : m_kind(kind), m_bytes(bytes) {
    if (bytes == 0)
        return;
    const bool device = kind == MemoryKind::Device;
    const cudaError_t error = device ? cudaMalloc(&m_data, bytes) : cudaHostAlloc(&m_data, bytes, cudaHostAllocPortable);
    check(error,
          fmt::format("provide {:.1f} MB of {} memory", 1e-6 * static_cast<double>(bytes), device ? "its" : "pinned host"));
}

GpuMemory::~GpuMemory() {
    if (m_data == nullptr)
        return;
    if (m_kind == MemoryKind::Device)
        cudaFree(m_data);
    else
        cudaFreeHost(m_data);
}

} // namespace moescope::backend::cuda

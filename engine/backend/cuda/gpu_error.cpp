#include "engine/backend/cuda/gpu_error.h"

#include <fmt/core.h>

namespace moescope::backend::cuda {

GpuError::GpuError(std::string_view what, cudaError_t error)
    : std::runtime_error(
          fmt::format("The GPU could not {}: {} ({}).", what, cudaGetErrorString(error), cudaGetErrorName(error))),
      m_code(error) {}

void check(cudaError_t error, std::string_view what) {
    if (error != cudaSuccess)
        throw GpuError(what, error);
}

void checkLaunch(std::string_view kernel) {
    if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)
        throw GpuError(fmt::format("start the kernel {}", kernel), error);
}

} // namespace moescope::backend::cuda

#include "engine/backend/cuda/gpu.h"

#include "engine/backend/cuda/gpu_error.h"
#include "engine/backend/cuda/kernels.h"

#include <fmt/core.h>
#include <stdexcept>

namespace moescope::backend::cuda {
namespace {

std::string version(int number) {
    return fmt::format("{}.{}", number / 1000, number % 1000 / 10);
}

std::string missingDriver() {
    int driver = 0;
    cudaDriverGetVersion(&driver);
    if (driver == 0)
        return "No NVIDIA driver was found on this machine.";
    return fmt::format("The NVIDIA driver is too old: it supports CUDA {}, and this program needs {}.", version(driver),
                       version(CUDART_VERSION));
}

std::optional<std::string> findProblem() {
    int count = 0;
    const cudaError_t counted = cudaGetDeviceCount(&count);
    if (counted == cudaErrorInsufficientDriver)
        return missingDriver();
    if (counted == cudaErrorNoDevice || (counted == cudaSuccess && count == 0))
        return "No NVIDIA GPU was found on this machine.";
    if (counted != cudaSuccess)
        return fmt::format("The NVIDIA GPU cannot be used: {}.", cudaGetErrorString(counted));
    cudaDeviceProp properties{};
    if (const cudaError_t error = cudaGetDeviceProperties(&properties, 0); error != cudaSuccess)
        return fmt::format("The NVIDIA GPU cannot be used: {}.", cudaGetErrorString(error));
    const cudaError_t why = probeKernels();
    if (why == cudaSuccess)
        return std::nullopt;
    if (why == cudaErrorNoKernelImageForDevice || why == cudaErrorInvalidDeviceFunction)
        return fmt::format("This program holds no code for {} (compute capability {}.{}).", properties.name, properties.major,
                           properties.minor);
    return fmt::format("The GPU {} cannot be used: {}.", properties.name, cudaGetErrorString(why));
}

} // namespace

std::optional<std::string> gpuProblem() {
    static const std::optional<std::string> kProblem = findProblem();
    return kProblem;
}

Gpu openGpu() {
    if (const auto problem = gpuProblem())
        throw std::runtime_error(*problem);
    check(cudaSetDevice(0), "be opened");
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, 0), "describe itself");
    return {properties.name, properties.multiProcessorCount, static_cast<std::int64_t>(properties.totalGlobalMem)};
}

MemoryPlan memoryNow() {
    std::size_t unused = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&unused, &total), "say how much memory it has");
    return {static_cast<std::int64_t>(unused), static_cast<std::int64_t>(total)};
}

} // namespace moescope::backend::cuda

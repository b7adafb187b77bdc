#pragma once
// Launches that overlap: on Hopper and later a kernel may begin while the one ahead of it in the stream still runs, up to
// where it waits for it. Earlier GPUs run one after the other.
#include "engine/backend/cuda/gpu_error.h"

#include <cuda_runtime.h>

namespace moescope::backend::cuda {

/// Everything queued earlier has ended and can be read. Every thread, before it reads or writes what other kernels write or
/// read; weights of the model may be read before.
__device__ inline void awaitEarlier() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    cudaGridDependencySynchronize();
#endif
}

/// The next kernel of the stream may take what multiprocessors have to spare.
__device__ inline void letNextBegin() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    cudaTriggerProgrammaticLaunchCompletion();
#endif
}

/// Whether the GPU overlaps launches.
inline bool overlapsLaunches() {
    static const bool kOverlaps = [] {
        int major = 0;
        return cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0) == cudaSuccess && major >= 9;
    }();
    return kOverlaps;
}

/// For a kernel that calls awaitEarlier(). Throws GpuError, which names the kernel, if the launch is refused.
template <class... Parameters, class... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, int threads, std::size_t shared, cudaStream_t stream,
            const Arguments&... arguments) {
    cudaLaunchAttribute overlap{};
    overlap.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    overlap.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config{};
    config.gridDim = grid;
    config.blockDim = dim3(static_cast<unsigned>(threads));
    config.dynamicSmemBytes = shared;
    config.stream = stream;
    config.attrs = &overlap;
    config.numAttrs = overlapsLaunches() ? 1 : 0;
    if (cudaLaunchKernelEx(&config, kernel, arguments...) != cudaSuccess)
        checkLaunch(name);
}

/// Lets the kernel use that much dynamic shared memory.
template <class... Parameters>
void allowShared(void (*kernel)(Parameters...), std::size_t shared) {
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared)),
          "provide shared memory");
}

/// Lets the kernel use that much dynamic shared memory; how many blocks of it the whole GPU holds at once, at least 1.
template <class... Parameters>
int residentBlocks(void (*kernel)(Parameters...), int threads, std::size_t shared) {
    int multiprocessors = 1;
    int blocks = 1;
    allowShared(kernel, shared);
    check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, 0), "count its multiprocessors");
    check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, threads, shared), "say what it can hold");
    return multiprocessors * (blocks > 0 ? blocks : 1);
}

} // namespace moescope::backend::cuda

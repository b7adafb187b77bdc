#include "profiler/gpu/cupti_known_copy.h"

#include <cuda.h>

#include <cstddef>
#include <dlfcn.h>
#include <type_traits>

namespace moescope::gpu {
namespace {

constexpr std::size_t kBytes = std::size_t{64} << 20U;

struct Driver {
    decltype(&cuCtxGetCurrent) current = nullptr;
    decltype(&cuMemAlloc) allocate = nullptr;
    decltype(&cuMemFree) release = nullptr;
    decltype(&cuMemAllocHost) allocateHost = nullptr;
    decltype(&cuMemFreeHost) releaseHost = nullptr;
    decltype(&cuMemcpyHtoD) copy = nullptr;

    bool load() {
        void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
        const auto find = [library](const char* name, auto& into) {
            into = reinterpret_cast<std::remove_reference_t<decltype(into)>>(dlsym(library, name));
            return into != nullptr;
        };
        return library && find("cuCtxGetCurrent", current) && find("cuMemAlloc_v2", allocate) &&
               find("cuMemFree_v2", release) && find("cuMemAllocHost_v2", allocateHost) && find("cuMemFreeHost", releaseHost) &&
               find("cuMemcpyHtoD_v2", copy);
    }
};

} // namespace

std::int64_t copyKnownBytes() {
    Driver driver;
    CUcontext context = nullptr;
    if (!driver.load() || driver.current(&context) != CUDA_SUCCESS || !context)
        return 0;
    void* host = nullptr;
    CUdeviceptr device = 0;
    std::int64_t copied = 0;
    if (driver.allocateHost(&host, kBytes) != CUDA_SUCCESS)
        return 0;
    if (driver.allocate(&device, kBytes) == CUDA_SUCCESS) {
        copied = driver.copy(device, host, kBytes) == CUDA_SUCCESS ? static_cast<std::int64_t>(kBytes) : 0;
        driver.release(device);
    }
    driver.releaseHost(host);
    return copied;
}

} // namespace moescope::gpu

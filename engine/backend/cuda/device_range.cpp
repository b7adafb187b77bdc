#include "engine/backend/cuda/device_range.h"

#include "engine/backend/cuda/gpu_error.h"

#include <cuda.h>
#include <fmt/core.h>

namespace moescope::backend::cuda {
namespace {

/// The driver's functions for virtual memory, found at run time so that the program also starts without a driver.
struct DriverCalls {
    decltype(&cuMemGetAllocationGranularity) granularity = nullptr;
    decltype(&cuMemAddressReserve) reserve = nullptr;
    decltype(&cuMemAddressFree) free = nullptr;
    decltype(&cuMemCreate) create = nullptr;
    decltype(&cuMemRelease) release = nullptr;
    decltype(&cuMemMap) map = nullptr;
    decltype(&cuMemUnmap) unmap = nullptr;
    decltype(&cuMemSetAccess) setAccess = nullptr;
};

template <class Function>
void find(const char* name, Function& function) {
    void* found = nullptr;
    cudaDriverEntryPointQueryResult result{};
    check(cudaGetDriverEntryPointByVersion(name, &found, 12000, cudaEnableDefault, &result),
          fmt::format("find the driver's {}", name));
    if (found == nullptr)
        throw GpuError(fmt::format("find the driver's {}", name), cudaErrorSymbolNotFound);
    function = reinterpret_cast<Function>(found);
}

const DriverCalls& driver() {
    static const DriverCalls kCalls = [] {
        DriverCalls calls;
        find("cuMemGetAllocationGranularity", calls.granularity);
        find("cuMemAddressReserve", calls.reserve);
        find("cuMemAddressFree", calls.free);
        find("cuMemCreate", calls.create);
        find("cuMemRelease", calls.release);
        find("cuMemMap", calls.map);
        find("cuMemUnmap", calls.unmap);
        find("cuMemSetAccess", calls.setAccess);
        return calls;
    }();
    return kCalls;
}

void require(CUresult result, const char* what) {
    if (result != CUDA_SUCCESS)
        throw GpuError(what, result == CUDA_ERROR_OUT_OF_MEMORY ? cudaErrorMemoryAllocation : cudaErrorUnknown);
}

CUmemAllocationProp properties() {
    CUmemAllocationProp wanted{};
    wanted.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    wanted.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    wanted.location.id = 0;
    return wanted;
}

std::size_t roundUp(std::size_t value, std::size_t unit) {
    return (value + unit - 1) / unit * unit;
}

} // namespace

DeviceRange::DeviceRange(std::size_t most, std::size_t step) {
    const CUmemAllocationProp wanted = properties();
    std::size_t unit = 0;
    require(driver().granularity(&unit, &wanted, CU_MEM_ALLOC_GRANULARITY_RECOMMENDED), "say how it divides its memory");
    m_step = roundUp(step, unit);
    m_reserved = roundUp(most, m_step);
    CUdeviceptr address = 0;
    require(driver().reserve(&address, m_reserved, 0, 0, 0), "reserve addresses for experts");
    m_address = address;
}

DeviceRange::~DeviceRange() {
    while (!m_pieces.empty())
        shrink();
    driver().free(m_address, m_reserved);
}

void DeviceRange::resize(std::size_t bytes) {
    const std::size_t before = m_pieces.size();
    const std::size_t wanted = roundUp(bytes, m_step) / m_step;
    try {
        while (m_pieces.size() < wanted)
            grow();
    } catch (...) {
        while (m_pieces.size() > before)
            shrink();
        throw;
    }
    while (m_pieces.size() > wanted)
        shrink();
}

void DeviceRange::grow() {
    const CUmemAllocationProp wanted = properties();
    CUmemGenericAllocationHandle piece = 0;
    require(driver().create(&piece, m_step, &wanted, 0), "provide memory for experts");
    const CUdeviceptr at = m_address + m_pieces.size() * m_step;
    CUmemAccessDesc access{};
    access.location = wanted.location;
    access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    CUresult result = driver().map(at, m_step, 0, piece, 0);
    if (result == CUDA_SUCCESS) {
        result = driver().setAccess(at, m_step, &access, 1);
        if (result != CUDA_SUCCESS)
            driver().unmap(at, m_step);
    }
    if (result != CUDA_SUCCESS)
        driver().release(piece);
    require(result, "map memory for experts");
    m_pieces.push_back(piece);
}

void DeviceRange::shrink() {
    driver().unmap(m_address + (m_pieces.size() - 1) * m_step, m_step);
    driver().release(m_pieces.back());
    m_pieces.pop_back();
}

} // namespace moescope::backend::cuda

#include "profiler/gpu/cupti_switches.h"

#include <cupti_driver_cbid.h>
#include <cupti_runtime_cbid.h>
#include <fmt/format.h>

#include <array>

namespace moescope::gpu {
namespace {

// In the order of the levels: each level takes a beginning of the list.
constexpr std::array kKinds{
    CUPTI_ACTIVITY_KIND_MEMCPY,     CUPTI_ACTIVITY_KIND_MEMCPY2, CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION,
    CUPTI_ACTIVITY_KIND_OVERHEAD,   CUPTI_ACTIVITY_KIND_MEMSET,  CUPTI_ACTIVITY_KIND_SYNCHRONIZATION,
    CUPTI_ACTIVITY_KIND_GRAPH_TRACE};
constexpr std::size_t kCopyKinds = 4;
// Whole graphs are recorded instead of their nodes: the two exclude each other.
constexpr std::array kKernelKinds{
    CUPTI_ACTIVITY_KIND_MEMCPY,           CUPTI_ACTIVITY_KIND_MEMCPY2, CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION,
    CUPTI_ACTIVITY_KIND_OVERHEAD,         CUPTI_ACTIVITY_KIND_MEMSET,  CUPTI_ACTIVITY_KIND_SYNCHRONIZATION,
    CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL};

constexpr std::array<CUpti_CallbackId, 18> kRuntimeCalls{CUPTI_RUNTIME_TRACE_CBID_cudaMemcpyAsync_v3020,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaMemcpyAsync_ptsz_v7000,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaMemcpy_v3020,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaMemcpy2DAsync_v3020,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaMemcpyBatchAsync_v13000,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaMemsetAsync_v3020,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaMemset_v3020,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaGraphLaunch_v10000,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaGraphLaunch_ptsz_v10000,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaStreamSynchronize_v3020,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaEventSynchronize_v3020,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaStreamWaitEvent_v3020,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaDeviceSynchronize_v3020,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaLaunchKernel_v7000,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaLaunchKernel_ptsz_v7000,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaLaunchKernelExC_v11060,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaLaunchKernelExC_ptsz_v11060,
                                                         CUPTI_RUNTIME_TRACE_CBID_cudaLaunchCooperativeKernel_v9000};
constexpr std::size_t kRuntimeCopyCalls = 7;
constexpr std::size_t kRuntimeLaunchCalls = 13;

constexpr std::array<CUpti_CallbackId, 7> kDriverCalls{
    CUPTI_DRIVER_TRACE_CBID_cuMemcpyHtoDAsync_v2, CUPTI_DRIVER_TRACE_CBID_cuMemcpyDtoHAsync_v2,
    CUPTI_DRIVER_TRACE_CBID_cuMemcpyDtoDAsync_v2, CUPTI_DRIVER_TRACE_CBID_cuMemcpyAsync,
    CUPTI_DRIVER_TRACE_CBID_cuGraphLaunch,        CUPTI_DRIVER_TRACE_CBID_cuLaunchKernel,
    CUPTI_DRIVER_TRACE_CBID_cuLaunchKernelEx};
constexpr std::size_t kDriverCopyCalls = 4;
constexpr std::size_t kDriverLaunchCalls = 5;

std::span<const CUpti_CallbackId> upTo(std::span<const CUpti_CallbackId> calls, TraceLevel level, std::size_t copies,
                                       std::size_t launches) {
    switch (level) {
    case TraceLevel::Engine:
        return {};
    case TraceLevel::Copies:
        return calls.first(copies);
    case TraceLevel::Launches:
        return calls.first(launches);
    case TraceLevel::Kernels:
        break;
    }
    return calls;
}

} // namespace

std::span<const CUpti_ActivityKind> activityKinds(TraceLevel level) {
    switch (level) {
    case TraceLevel::Engine:
        return {};
    case TraceLevel::Copies:
        return std::span(kKinds).first(kCopyKinds);
    case TraceLevel::Launches:
        return kKinds;
    case TraceLevel::Kernels:
        break;
    }
    return kKernelKinds;
}

std::span<const CUpti_CallbackId> runtimeCalls(TraceLevel level) {
    return upTo(kRuntimeCalls, level, kRuntimeCopyCalls, kRuntimeLaunchCalls);
}

std::span<const CUpti_CallbackId> driverCalls(TraceLevel level) {
    return upTo(kDriverCalls, level, kDriverCopyCalls, kDriverLaunchCalls);
}

void switchOn(const CuptiApi& api, TraceLevel level) {
    for (const CUpti_ActivityKind kind : activityKinds(level))
        if (const CUptiResult result = api.enable(kind); result != CUPTI_SUCCESS) {
            switchOff(api, level);
            throw CuptiMissing(cuptiSentence(api, result));
        }
    // Without these records the work is still recorded, only untied: no reason to give up.
    for (const CUpti_CallbackId call : runtimeCalls(level))
        api.enableRuntimeCall(call, 1);
    for (const CUpti_CallbackId call : driverCalls(level))
        api.enableDriverCall(call, 1);
    if (level >= TraceLevel::Launches)
        api.enableAllWaits(0); // polling an event would flood
}

void switchOff(const CuptiApi& api, TraceLevel level) noexcept {
    for (const CUpti_CallbackId call : runtimeCalls(level))
        api.enableRuntimeCall(call, 0);
    for (const CUpti_CallbackId call : driverCalls(level))
        api.enableDriverCall(call, 0);
    for (const CUpti_ActivityKind kind : activityKinds(level))
        api.disable(kind);
}

std::string cuptiReason(decltype(CuptiApi::resultString) resultString, CUptiResult result, const std::string& holder) {
    const char* name = nullptr;
    if (resultString(result, &name) != CUPTI_SUCCESS || !name)
        name = "unknown result";
    const std::string tail = fmt::format("({}, {})", static_cast<int>(result), name);
    switch (result) {
    case CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED:
        return fmt::format("{} is tracing this process already {}.", holder.empty() ? "another tool" : holder, tail);
    case CUPTI_ERROR_INSUFFICIENT_PRIVILEGES:
        return fmt::format("the driver lets only administrators profile {}.", tail);
    case CUPTI_ERROR_HARDWARE_BUSY:
        return fmt::format("another program is profiling this GPU {}.", tail);
    case CUPTI_ERROR_NOT_INITIALIZED:
    case CUPTI_ERROR_UNKNOWN:
        return fmt::format("there is no NVIDIA driver, none that this CUPTI works with, or no GPU {}.", tail);
    case CUPTI_ERROR_NOT_SUPPORTED:
    case CUPTI_ERROR_VIRTUALIZED_DEVICE_NOT_SUPPORTED:
    case CUPTI_ERROR_VIRTUALIZED_DEVICE_INSUFFICIENT_PRIVILEGES:
        return fmt::format("this GPU, or its virtualisation, does not allow it {}.", tail);
    default:
        return fmt::format("CUPTI refused {}.", tail);
    }
}

std::string cuptiSentence(const CuptiApi& api, CUptiResult result, const std::string& holder) {
    return "The device's work is not recorded: " + cuptiReason(api.resultString, result, holder);
}

} // namespace moescope::gpu

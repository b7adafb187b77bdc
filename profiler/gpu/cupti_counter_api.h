#pragma once
#include "profiler/gpu/cupti_api.h"

#include <cupti_pmsampling.h>
#include <cupti_profiler_host.h>
#include <cupti_profiler_target.h>
#include <cupti_target.h>

namespace moescope::gpu {

/// The functions of CUPTI that read counters, as a table: filled from the library by loadCounters, or by a test.
struct CounterApi {
    decltype(&cuptiGetResultString) resultString = nullptr;
    decltype(&cuptiGetTimestamp) timestamp = nullptr;
    decltype(&cuptiActivityRegisterTimestampCallback) registerTimestamp = nullptr;
    decltype(&cuptiProfilerInitialize) initialise = nullptr;
    decltype(&cuptiDeviceGetChipName) chipName = nullptr;
    decltype(&cuptiPmSamplingGetCounterAvailability) availability = nullptr;
    decltype(&cuptiProfilerHostInitialize) hostBegin = nullptr;
    decltype(&cuptiProfilerHostDeinitialize) hostEnd = nullptr;
    decltype(&cuptiProfilerHostConfigAddMetrics) addMetrics = nullptr;
    decltype(&cuptiProfilerHostGetConfigImageSize) configSize = nullptr;
    decltype(&cuptiProfilerHostGetConfigImage) config = nullptr;
    decltype(&cuptiProfilerHostGetNumOfPasses) passes = nullptr;
    decltype(&cuptiProfilerHostEvaluateToGpuValues) evaluate = nullptr;
    decltype(&cuptiPmSamplingEnable) enable = nullptr;
    decltype(&cuptiPmSamplingDisable) disable = nullptr;
    decltype(&cuptiPmSamplingSetConfig) setConfig = nullptr;
    decltype(&cuptiPmSamplingGetCounterDataSize) dataSize = nullptr;
    decltype(&cuptiPmSamplingCounterDataImageInitialize) dataBegin = nullptr;
    decltype(&cuptiPmSamplingStart) start = nullptr;
    decltype(&cuptiPmSamplingStop) stop = nullptr;
    decltype(&cuptiPmSamplingDecodeData) decode = nullptr;
    decltype(&cuptiPmSamplingGetCounterDataInfo) dataInfo = nullptr;
    decltype(&cuptiPmSamplingCounterDataGetSampleInfo) sampleInfo = nullptr;
};

/// See loadCupti; also needs libnvperf_host.so and libnvperf_target.so beside the library, which CUPTI opens itself. Throws
/// CuptiMissing with the reason.
CounterApi loadCounters(const std::filesystem::path& wanted);

} // namespace moescope::gpu

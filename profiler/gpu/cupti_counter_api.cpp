#include "profiler/gpu/cupti_counter_api.h"

namespace moescope::gpu {

CounterApi loadCounters(const std::filesystem::path& wanted) {
    loadCupti(wanted); // says what is missing, and that the version is right
    void* library = openCupti(wanted);
    CounterApi api;
    const auto find = [&](const char* name, auto& into) { findCupti(library, name, into, "The GPU's counters are not read"); };
    find("cuptiGetResultString", api.resultString);
    find("cuptiGetTimestamp", api.timestamp);
    find("cuptiActivityRegisterTimestampCallback", api.registerTimestamp);
    find("cuptiProfilerInitialize", api.initialise);
    find("cuptiDeviceGetChipName", api.chipName);
    find("cuptiPmSamplingGetCounterAvailability", api.availability);
    find("cuptiProfilerHostInitialize", api.hostBegin);
    find("cuptiProfilerHostDeinitialize", api.hostEnd);
    find("cuptiProfilerHostConfigAddMetrics", api.addMetrics);
    find("cuptiProfilerHostGetConfigImageSize", api.configSize);
    find("cuptiProfilerHostGetConfigImage", api.config);
    find("cuptiProfilerHostGetNumOfPasses", api.passes);
    find("cuptiProfilerHostEvaluateToGpuValues", api.evaluate);
    find("cuptiPmSamplingEnable", api.enable);
    find("cuptiPmSamplingDisable", api.disable);
    find("cuptiPmSamplingSetConfig", api.setConfig);
    find("cuptiPmSamplingGetCounterDataSize", api.dataSize);
    find("cuptiPmSamplingCounterDataImageInitialize", api.dataBegin);
    find("cuptiPmSamplingStart", api.start);
    find("cuptiPmSamplingStop", api.stop);
    find("cuptiPmSamplingDecodeData", api.decode);
    find("cuptiPmSamplingGetCounterDataInfo", api.dataInfo);
    find("cuptiPmSamplingCounterDataGetSampleInfo", api.sampleInfo);
    return api;
}

} // namespace moescope::gpu

#include "profiler/gpu/cupti_counter_api.h"

#include <fmt/format.h>

#include <dlfcn.h>

namespace moescope::gpu {
namespace {

template <class Function>
void find(void* library, const char* name, Function& into) {
    into = reinterpret_cast<Function>(dlsym(library, name));
    if (!into)
        throw CuptiMissing(fmt::format("The GPU's counters are not read: this libcupti lacks {}.", name));
}

} // namespace

CounterApi loadCounters(const std::filesystem::path& wanted) {
    loadCupti(wanted); // says what is missing, and that the version is right
    void* library = openCupti(wanted);
    CounterApi api;
    find(library, "cuptiGetResultString", api.resultString);
    find(library, "cuptiGetTimestamp", api.timestamp);
    find(library, "cuptiActivityRegisterTimestampCallback", api.registerTimestamp);
    find(library, "cuptiProfilerInitialize", api.initialise);
    find(library, "cuptiDeviceGetChipName", api.chipName);
    find(library, "cuptiPmSamplingGetCounterAvailability", api.availability);
    find(library, "cuptiProfilerHostInitialize", api.hostBegin);
    find(library, "cuptiProfilerHostDeinitialize", api.hostEnd);
    find(library, "cuptiProfilerHostConfigAddMetrics", api.addMetrics);
    find(library, "cuptiProfilerHostGetConfigImageSize", api.configSize);
    find(library, "cuptiProfilerHostGetConfigImage", api.config);
    find(library, "cuptiProfilerHostGetNumOfPasses", api.passes);
    find(library, "cuptiProfilerHostEvaluateToGpuValues", api.evaluate);
    find(library, "cuptiPmSamplingEnable", api.enable);
    find(library, "cuptiPmSamplingDisable", api.disable);
    find(library, "cuptiPmSamplingSetConfig", api.setConfig);
    find(library, "cuptiPmSamplingGetCounterDataSize", api.dataSize);
    find(library, "cuptiPmSamplingCounterDataImageInitialize", api.dataBegin);
    find(library, "cuptiPmSamplingStart", api.start);
    find(library, "cuptiPmSamplingStop", api.stop);
    find(library, "cuptiPmSamplingDecodeData", api.decode);
    find(library, "cuptiPmSamplingGetCounterDataInfo", api.dataInfo);
    find(library, "cuptiPmSamplingCounterDataGetSampleInfo", api.sampleInfo);
    return api;
}

} // namespace moescope::gpu

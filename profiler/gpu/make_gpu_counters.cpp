#include "profiler/gpu/no_gpu_counters.h"

#if MOESCOPE_WITH_CUPTI
#include "profiler/gpu/cupti_counters.h"
#include "profiler/gpu/cupti_known_copy.h"
#endif

namespace moescope::gpu {

std::unique_ptr<GpuCounters> makeGpuCounters(const CounterOptions& options, [[maybe_unused]] trace::TracerSource& tracers,
                                             [[maybe_unused]] const trace::Clock& clock) {
    if (!options.wanted)
        return std::make_unique<NoGpuCounters>(std::string());
#if MOESCOPE_WITH_CUPTI
    try {
        return std::make_unique<CuptiCounters>(loadCounters(options.library), copyKnownBytes, tracers, clock);
    } catch (const CuptiMissing& missing) {
        return std::make_unique<NoGpuCounters>(missing.what());
    }
#else
    return std::make_unique<NoGpuCounters>("The GPU's counters are not read: this program was built without CUPTI 13.0.");
#endif
}

} // namespace moescope::gpu

#include "profiler/gpu/no_gpu_collector.h"

#if MOESCOPE_WITH_CUPTI
#include "profiler/gpu/cupti_collector.h"
#endif

namespace moescope::gpu {

std::unique_ptr<GpuCollector> makeGpuCollector(const GpuOptions& options, [[maybe_unused]] trace::TracerSource& tracers,
                                               [[maybe_unused]] const trace::Clock& clock) {
    if (options.level == TraceLevel::Engine)
        return std::make_unique<NoGpuCollector>("The engine's own events only.", false);
#if MOESCOPE_WITH_CUPTI
    try {
        return std::make_unique<CuptiCollector>(loadCupti(options.library), options.level, tracers, clock);
    } catch (const CuptiMissing& missing) {
        return std::make_unique<NoGpuCollector>(missing.what(), true);
    }
#else
    return std::make_unique<NoGpuCollector>("The device's work is not recorded: this program was built without CUPTI 13.0.",
                                            true);
#endif
}

} // namespace moescope::gpu

#include "profiler/gpu/clock_alignment.h"

#include <cstdlib>
#include <limits>

namespace moescope::gpu {

ClockAlignment alignClocks(std::span<const ClockReading> readings) {
    ClockAlignment best{0, std::numeric_limits<std::int64_t>::max()};
    for (const ClockReading& reading : readings) {
        const std::int64_t bracket = reading.after - reading.before;
        if (bracket < 0 || (bracket + 1) / 2 >= best.errorNs)
            continue;
        best = {reading.before + bracket / 2 - reading.tracer, (bracket + 1) / 2};
    }
    return best;
}

ClockAlignment refined(const ClockAlignment& current, const ClockAlignment& fresh) {
    const bool contradict = current.errorNs == std::numeric_limits<std::int64_t>::max() ||
                            std::abs(fresh.offsetNs - current.offsetNs) > fresh.errorNs + current.errorNs;
    return contradict || fresh.errorNs < current.errorNs ? fresh : current;
}

} // namespace moescope::gpu

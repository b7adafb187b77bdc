#pragma once
#include "engine/trace/ids.h"

#include <cstdint>
#include <span>

namespace moescope::gpu {

/// One look at both clocks: the session's before and after the tracer's.
struct ClockReading {
    trace::TimeNs before = 0;
    std::int64_t tracer = 0;
    trace::TimeNs after = 0;
};

/// session time = tracer time + offset, to within error.
struct ClockAlignment {
    std::int64_t offsetNs = 0;
    std::int64_t errorNs = 0; ///< half of the narrowest bracket, rounded up
    trace::TimeNs toSession(std::int64_t tracer) const { return tracer + offsetNs; }
};

/// From the reading with the narrowest bracket: the others were interrupted. Readings that run backwards are left out.
/// Without any the alignment is 0 with the greatest possible error.
ClockAlignment alignClocks(std::span<const ClockReading> readings);

/// What to go by when a later look gives `fresh`: the surer of the two, unless they contradict each other. Then a clock was
/// set, and the later one holds.
ClockAlignment refined(const ClockAlignment& current, const ClockAlignment& fresh);

} // namespace moescope::gpu

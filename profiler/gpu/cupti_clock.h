#pragma once
#include "profiler/gpu/clock_alignment.h"
#include "profiler/gpu/cupti_api.h"

#include "engine/trace/clock.h"

namespace moescope::gpu {

/// Has CUPTI tell times by the steady clock; once per process, because a second time would spoil the first records that follow
/// (pytorch issue 192021). Where CUPTI refuses, its own clock stays and only the alignment differs.
void registerCuptiClock(decltype(CuptiApi::registerTimestamp) registerTimestamp);

/// Looks at both clocks many times; false, and nothing changed, if CUPTI does not tell its own.
bool lookAtClocks(decltype(CuptiApi::timestamp) timestamp, const trace::Clock& clock, ClockAlignment& into);

} // namespace moescope::gpu

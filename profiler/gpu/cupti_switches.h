#pragma once
#include "profiler/gpu/cupti_api.h"
#include "profiler/gpu/gpu_collector.h"

#include <span>

namespace moescope::gpu {

/// Record kinds of a level, its lower ones included.
std::span<const CUpti_ActivityKind> activityKinds(TraceLevel level);
/// Calls of the runtime and of the driver whose records tie work to scopes.
std::span<const CUpti_CallbackId> runtimeCalls(TraceLevel level);
std::span<const CUpti_CallbackId> driverCalls(TraceLevel level);

/// Switches kinds and calls on; throws CuptiMissing with the reason when a kind is refused, all of them off again.
void switchOn(const CuptiApi& api, TraceLevel level);
void switchOff(const CuptiApi& api, TraceLevel level) noexcept;

/// What a result of CUPTI means for people, as the end of a sentence.
std::string cuptiReason(decltype(CuptiApi::resultString) resultString, CUptiResult result, const std::string& holder = {});
/// What a result of CUPTI means for people, in one sentence. `holder`: who has the subscription, where CUPTI says so.
std::string cuptiSentence(const CuptiApi& api, CUptiResult result, const std::string& holder = {});

} // namespace moescope::gpu

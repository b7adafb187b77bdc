#pragma once
#include "profiler/gpu/device_record.h"

#include <cupti.h>

#include <optional>
#include <string>

namespace moescope::gpu {

/// Reads one activity record of CUPTI 13.0. Nothing for kinds that are not recorded. `names` keeps the text of what has no
/// name of its own (graphs) until the next call. Believes the record's kind and nothing else: unknown enumeration values
/// become Other or Unknown, times that run backwards count as lost.
std::optional<DeviceRecord> readActivity(const CUpti_Activity& record, std::string& names);

} // namespace moescope::gpu

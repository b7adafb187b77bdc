#pragma once
#include "engine/trace/event.h"
#include "profiler/session/session_info.h"

#include <string_view>

namespace moescope::analysis {

/// "end_of_text": for programs.
std::string_view reasonKey(trace::EndReason reason);
/// "end of text": for people.
std::string_view reasonWords(trace::EndReason reason);
/// "recorded" | "simulated" | "imported"
std::string_view originKey(session::Origin origin);

} // namespace moescope::analysis

#pragma once
#include "profiler/session/open_session.h"

#include <string>
#include <vector>

namespace moescope::session {

/// Reads everything and compares: SQLite's own integrity, batches without gaps, every event possible, level-of-detail rows and
/// keyframes equal to those computed anew from the events. Every complaint is one sentence; stops after a few.
std::vector<std::string> checkSession(OpenSession& session, std::int64_t fileBytes);

} // namespace moescope::session

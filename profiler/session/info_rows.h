#pragma once
#include "profiler/session/session_info.h"

namespace moescope::session {

class Connection;

/// Writes all facts as (name, value) rows, in reading order; `ended_ns` and `events_lost` are written as not yet known.
void insertInfo(Connection& connection, const SessionInfo& info);
/// Replaces the two rows that are known only at the end.
void updateEnd(Connection& connection, std::int64_t endedNs, std::int64_t eventsLost);

/// Throws one sentence when a row is missing where it must not be or has a value that cannot be.
SessionInfo readInfo(Connection& connection);

} // namespace moescope::session

#pragma once
#include "profiler/session/batch.h"

#include <cstddef>
#include <span>
#include <vector>

struct sqlite3;

namespace moescope::session {

/// Most columns that an event's table may have, seq counted.
inline constexpr int kMostColumns = 14;

/// What the virtual table `event_source` shows: the columns c0, c1, … of events of one kind, in the order of columns.h. Owned
/// by an EventInsert; must outlive the statements that read it.
struct EventSource {
    const Batch* batch = nullptr;
    std::span<const Record* const> records;
};

/// Makes `event_source` known to a connection; nothing of it reaches the file. False if SQLite refuses.
bool registerEventSource(sqlite3* connection, EventSource& source);

} // namespace moescope::session

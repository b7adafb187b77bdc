#pragma once
#include "profiler/session/batch.h"
#include "profiler/session/connection.h"
#include "profiler/session/lane_items.h"
#include "profiler/session/session_info.h"

#include <bitset>
#include <optional>
#include <vector>

namespace moescope::session {

/// Which event tables to read, by Event::index().
using EventKinds = std::bitset<std::variant_size_v<trace::Event>>;

template <class... Kind>
EventKinds kindsOf() {
    EventKinds kinds;
    (kinds.set(trace::Event(Kind{}).index()), ...);
    return kinds;
}

/// Reads events back from their tables, believing nothing: numbers, enums, keys and payload sizes are checked against what
/// they may be. Owned by a SessionReader, on its thread. Throws one sentence.
class EventSelect {
public:
    /// Keys are checked against the model's layers and experts unless both are 0.
    EventSelect(Connection& connection, const SessionInfo& info);

    /// Appends all events with first <= seq <= last. They must be there without gaps: a missing one is a damaged file.
    /// `mostBytes` bounds the payloads: an honest file cannot hold more than its own size.
    void readAll(std::int64_t first, std::int64_t last, std::int64_t mostBytes, Batch& into);
    /// Only some kinds, ordered by seq.
    void readSome(EventKinds kinds, std::int64_t first, std::int64_t last, std::int64_t mostBytes, Batch& into);
    /// Events that may make bars of a lane, ordered by seq.
    void readLane(Lane lane, std::int64_t first, std::int64_t last, std::int64_t mostBytes, Batch& into);

private:
    struct Range {
        std::int64_t first = 0;
        std::int64_t last = 0;
        std::int64_t mostBytes = 0;
    };
    template <class Place>
    void readTable(std::optional<Statement>& statement, std::size_t kind, const Range& range, Batch& into, Place&& place);

    Connection* m_connection;
    int m_layers = 0;
    int m_experts = 0;
    // Empty where the session's format does not have the table yet.
    std::vector<std::optional<Statement>> m_statements; // by Event::index()
    std::vector<std::optional<Statement>> m_lanes;      // by Lane
};

} // namespace moescope::session

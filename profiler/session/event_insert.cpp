#include "profiler/session/event_insert.h"

#include "profiler/session/columns.h"
#include "profiler/session/event_source.h"
#include "profiler/session/schema.h"

#include <fmt/format.h>

namespace moescope::session {

EventInsert::EventInsert(Connection& connection) : m_source(std::make_unique<EventSource>()) {
    if (!registerEventSource(connection.handle(), *m_source))
        connection.fail();
    for (std::size_t kind = 0; kind < kEventTables.size(); ++kind) {
        const auto& columns = storedColumns(kind);
        std::vector<std::string> values;
        for (std::size_t i = 0; i < columns.size(); ++i)
            values.push_back(fmt::format("c{}", i));
        m_statements.emplace_back(connection, fmt::format("INSERT INTO {}({}) SELECT {} FROM event_source", kEventTables[kind],
                                                          fmt::join(columns, ", "), fmt::join(values, ", ")));
    }
}

EventInsert::~EventInsert() = default;

void EventInsert::insert(const Batch& batch) {
    for (auto& records : m_kinds)
        records.clear();
    for (const Record& record : batch.records)
        m_kinds[record.event.index()].push_back(&record);
    m_source->batch = &batch;
    for (std::size_t kind = 0; kind < m_kinds.size(); ++kind) {
        if (m_kinds[kind].empty())
            continue;
        m_source->records = m_kinds[kind];
        m_statements[kind].execute();
    }
    *m_source = {};
}

} // namespace moescope::session

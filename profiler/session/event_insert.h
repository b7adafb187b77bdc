#pragma once
#include "profiler/session/batch.h"
#include "profiler/session/connection.h"

#include <array>
#include <memory>
#include <vector>

namespace moescope::session {

struct EventSource;

/// Puts a batch's events into their tables. SQLite reads them through a virtual table, `INSERT INTO t SELECT … FROM
/// event_source`, one statement per kind and batch: a third cheaper than a statement per event. Owned by a SessionWriter,
/// inside its transactions.
class EventInsert {
public:
    explicit EventInsert(Connection& connection);
    ~EventInsert();
    void insert(const Batch& batch);

private:
    std::unique_ptr<EventSource> m_source;
    std::vector<Statement> m_statements; // by Event::index()
    std::array<std::vector<const Record*>, std::variant_size_v<trace::Event>> m_kinds;
};

} // namespace moescope::session

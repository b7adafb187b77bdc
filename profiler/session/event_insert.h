#pragma once
#include "profiler/session/batch.h"
#include "profiler/session/connection.h"

#include <vector>

namespace moescope::session {

/// Puts events into their tables through statements prepared once. Owned by a SessionWriter, inside its transactions.
class EventInsert {
public:
    explicit EventInsert(Connection& connection);
    void insert(const Record& record, trace::Payload payload);

private:
    std::vector<Statement> m_statements; // by Event::index()
};

} // namespace moescope::session

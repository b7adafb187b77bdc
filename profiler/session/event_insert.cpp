#include "profiler/session/event_insert.h"

#include "profiler/session/columns.h"
#include "profiler/session/schema.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope::session {
namespace {

std::string_view asText(trace::Payload payload) {
    return {reinterpret_cast<const char*>(payload.data()), payload.size()};
}

/// Binds one event's columns to its insert.
class Binder {
public:
    Binder(Statement& statement, std::int64_t seq, trace::Payload payload) : m_statement(statement), m_payload(payload) {
        put(seq);
    }

    void instant(trace::TimeNs& at) { put(at); }
    void span(trace::TimeNs& begin, trace::TimeNs& end) {
        put(begin);
        put(end - begin);
    }
    void queueWait(trace::TimeNs& queuedAt, trace::TimeNs& begin) { put(begin - queuedAt); }
    template <class Tag>
    void id(std::string_view, trace::Id<Tag>& id) {
        if (id.valid())
            put(id.value);
        else
            m_statement.bindNull(m_column++);
    }
    void key(std::string_view, std::string_view, trace::ExpertKey& key) {
        id({}, key.layer);
        id({}, key.expert);
    }
    template <class T>
    void number(std::string_view, T& value) {
        put(value);
    }
    void flag(std::string_view, bool& value) { put(value); }
    void real(std::string_view, float& value) { m_statement.bind(m_column++, static_cast<double>(value)); }
    template <class E>
    void choice(std::string_view, E& value, E) {
        put(static_cast<std::int64_t>(value));
    }
    void text(std::string_view) { m_statement.bindText(m_column++, asText(m_payload)); }
    void routing(std::string_view, trace::ExpertsChosen&) { m_statement.bindBlob(m_column++, m_payload); }
    void setting(std::string_view, std::string_view, std::string_view) {
        std::string_view rest = asText(m_payload);
        for (int part = 0; part < 3; ++part) {
            const std::size_t end = part < 2 ? std::min(rest.find('\0'), rest.size()) : rest.size();
            m_statement.bindText(m_column++, rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }

private:
    void put(std::int64_t value) { m_statement.bind(m_column++, value); }

    Statement& m_statement;
    trace::Payload m_payload;
    int m_column = 0;
};

} // namespace

EventInsert::EventInsert(Connection& connection) {
    for (std::size_t kind = 0; kind < kEventTables.size(); ++kind) {
        const auto& columns = storedColumns(kind);
        const std::vector<std::string> marks(columns.size(), "?");
        m_statements.emplace_back(connection, fmt::format("INSERT INTO {}({}) VALUES ({})", kEventTables[kind],
                                                          fmt::join(columns, ", "), fmt::join(marks, ", ")));
    }
}

void EventInsert::insert(const Record& record, trace::Payload payload) {
    Statement& statement = m_statements[record.event.index()];
    std::visit(
        [&](auto event) {
            Binder binder(statement, record.seq, payload);
            walkColumns(binder, event);
        },
        record.event);
    statement.execute();
}

} // namespace moescope::session

#include "profiler/session/event_source.h"

#include "profiler/session/columns.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <new>

namespace moescope::session {
namespace {

struct Cell {
    enum class Type { Null, Integer, Real, Text, Blob } type = Type::Null;
    std::int64_t integer = 0;
    double real = 0;
    std::string_view bytes;
};

/// One event's columns as values.
class CellWalk {
public:
    CellWalk(std::array<Cell, kMostColumns>& cells, std::int64_t seq, trace::Payload payload)
        : m_next(cells.data()), m_payload(trace::asText(payload)) {
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
        put(id.value);
        if (!id.valid())
            m_next[-1].type = Cell::Type::Null;
    }
    void key(std::string_view, std::string_view, trace::ExpertKey& key) {
        id({}, key.layer);
        id({}, key.expert);
    }
    void number(std::string_view, auto& value) { put(value); }
    void flag(std::string_view, bool& value) { put(value); }
    void real(std::string_view, float& value) {
        m_next->type = Cell::Type::Real;
        m_next++->real = static_cast<double>(value);
    }
    template <class E>
    void choice(std::string_view, E& value, E) {
        put(static_cast<std::int64_t>(value));
    }
    void text(std::string_view) { put(Cell::Type::Text, m_payload); }
    void routing(std::string_view, trace::ExpertsChosen&) { put(Cell::Type::Blob, m_payload); }
    void setting(std::string_view, std::string_view, std::string_view) {
        std::string_view rest = m_payload;
        for (int part = 0; part < 3; ++part) {
            const std::size_t end = part < 2 ? std::min(rest.find('\0'), rest.size()) : rest.size();
            put(Cell::Type::Text, rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }

private:
    void put(std::int64_t value) {
        m_next->type = Cell::Type::Integer;
        m_next++->integer = value;
    }
    void put(Cell::Type type, std::string_view bytes) {
        m_next->type = type;
        m_next++->bytes = bytes;
    }

    Cell* m_next;
    std::string_view m_payload;
};

struct Table {
    sqlite3_vtab head;
    const EventSource* source;
};

struct Cursor {
    sqlite3_vtab_cursor head;
    const EventSource* source;
    std::size_t at;
    std::array<Cell, kMostColumns> cells;
};

Cursor& cursorOf(sqlite3_vtab_cursor* head) {
    return *reinterpret_cast<Cursor*>(head);
}

int connectTable(sqlite3* connection, void* source, int, const char* const*, sqlite3_vtab** out, char**) {
    const int code =
        sqlite3_declare_vtab(connection, "CREATE TABLE x(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13)");
    if (code != SQLITE_OK)
        return code;
    auto* table = new (std::nothrow) Table{};
    if (!table)
        return SQLITE_NOMEM;
    table->source = static_cast<const EventSource*>(source);
    *out = &table->head;
    return SQLITE_OK;
}

int disconnectTable(sqlite3_vtab* head) {
    delete reinterpret_cast<Table*>(head);
    return SQLITE_OK;
}

int bestIndex(sqlite3_vtab*, sqlite3_index_info*) {
    return SQLITE_OK;
}

int openCursor(sqlite3_vtab* head, sqlite3_vtab_cursor** out) {
    auto* cursor = new (std::nothrow) Cursor{};
    if (!cursor)
        return SQLITE_NOMEM;
    cursor->source = reinterpret_cast<Table*>(head)->source;
    *out = &cursor->head;
    return SQLITE_OK;
}

int closeCursor(sqlite3_vtab_cursor* head) {
    delete &cursorOf(head);
    return SQLITE_OK;
}

void loadRow(Cursor& cursor) {
    if (cursor.at >= cursor.source->records.size())
        return;
    const Record& record = *cursor.source->records[cursor.at];
    const trace::Payload payload = cursor.source->batch->payload(record);
    std::visit(
        [&](auto event) {
            CellWalk walk(cursor.cells, record.seq, payload);
            walkColumns(walk, event);
        },
        record.event);
}

int filter(sqlite3_vtab_cursor* head, int, const char*, int, sqlite3_value**) {
    cursorOf(head).at = 0;
    loadRow(cursorOf(head));
    return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* head) {
    ++cursorOf(head).at;
    loadRow(cursorOf(head));
    return SQLITE_OK;
}

int atEnd(sqlite3_vtab_cursor* head) {
    return cursorOf(head).at >= cursorOf(head).source->records.size();
}

int column(sqlite3_vtab_cursor* head, sqlite3_context* context, int index) {
    const Cell& cell = cursorOf(head).cells[static_cast<std::size_t>(index)];
    // An empty view may have a null pointer, which SQLite would store as NULL. The bytes live as long as the batch.
    const char* bytes = cell.bytes.empty() ? "" : cell.bytes.data();
    switch (cell.type) {
    case Cell::Type::Null:
        sqlite3_result_null(context);
        break;
    case Cell::Type::Integer:
        sqlite3_result_int64(context, cell.integer);
        break;
    case Cell::Type::Real:
        sqlite3_result_double(context, cell.real);
        break;
    case Cell::Type::Text:
        sqlite3_result_text64(context, bytes, cell.bytes.size(), SQLITE_STATIC, SQLITE_UTF8);
        break;
    case Cell::Type::Blob:
        sqlite3_result_blob64(context, bytes, cell.bytes.size(), SQLITE_STATIC);
        break;
    }
    return SQLITE_OK;
}

int rowId(sqlite3_vtab_cursor* head, sqlite3_int64* out) {
    *out = static_cast<sqlite3_int64>(cursorOf(head).at);
    return SQLITE_OK;
}

sqlite3_module makeModule() {
    sqlite3_module module{};
    module.xConnect = connectTable;
    module.xBestIndex = bestIndex;
    module.xDisconnect = disconnectTable;
    module.xOpen = openCursor;
    module.xClose = closeCursor;
    module.xFilter = filter;
    module.xNext = next;
    module.xEof = atEnd;
    module.xColumn = column;
    module.xRowid = rowId;
    return module;
}

} // namespace

bool registerEventSource(sqlite3* connection, EventSource& source) {
    static const sqlite3_module module = makeModule();
    return sqlite3_create_module_v2(connection, "event_source", &module, &source, nullptr) == SQLITE_OK;
}

} // namespace moescope::session

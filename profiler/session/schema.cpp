#include "profiler/session/schema.h"

#include "profiler/session/columns.h"
#include "profiler/session/connection.h"
#include "profiler/session/session_reader.h"

#include <fmt/format.h>

namespace moescope::session {
namespace {

/// Writes the column list of CREATE TABLE.
class SchemaText {
public:
    void instant(trace::TimeNs&) { column("time_ns", "INTEGER NOT NULL"); }
    void span(trace::TimeNs&, trace::TimeNs&) {
        column("begin_ns", "INTEGER NOT NULL");
        column("duration_ns", "INTEGER NOT NULL");
        m_generated += ", end_ns INTEGER AS (begin_ns + duration_ns)";
    }
    void queueWait(trace::TimeNs&, trace::TimeNs&) { column("queue_wait_ns", "INTEGER NOT NULL"); }
    void id(std::string_view name, auto&) { column(name, "INTEGER"); }
    void key(std::string_view layer, std::string_view expert, trace::ExpertKey&) {
        column(layer, "INTEGER");
        column(expert, "INTEGER");
    }
    void number(std::string_view name, auto&) { column(name, "INTEGER NOT NULL"); }
    void flag(std::string_view name, bool&) { column(name, "INTEGER NOT NULL"); }
    void real(std::string_view name, float&) { column(name, "REAL"); }
    void choice(std::string_view name, auto&, auto) { column(name, "INTEGER NOT NULL"); }
    void text(std::string_view name) { column(name, "TEXT NOT NULL"); }
    void routing(std::string_view name, trace::ExpertsChosen&) { column(name, "BLOB NOT NULL"); }
    void setting(std::string_view name, std::string_view before, std::string_view after) {
        text(name);
        text(before);
        text(after);
    }

    std::string create(std::string_view table) const {
        return fmt::format("CREATE TABLE {}(seq INTEGER PRIMARY KEY{}{})", table, m_columns, m_generated);
    }
    const std::vector<std::string>& names() const { return m_names; }

private:
    void column(std::string_view name, std::string_view type) {
        m_columns += fmt::format(", {} {}", name, type);
        m_names.emplace_back(name);
    }
    std::string m_columns;
    std::string m_generated;
    std::vector<std::string> m_names{"seq"};
};

template <class Kind>
SchemaText textOf() {
    SchemaText text;
    Kind event;
    walkColumns(text, event);
    return text;
}

std::vector<std::vector<std::string>> makeStoredColumns() {
    std::vector<std::vector<std::string>> columns;
    forEachEventKind([&]<class Kind>(std::size_t) { columns.push_back(textOf<Kind>().names()); });
    return columns;
}

std::vector<TableText> makeTables() {
    std::vector<TableText> tables;
    forEachEventKind([&]<class Kind>(std::size_t index) {
        tables.push_back({std::string(kEventTables[index]), textOf<Kind>().create(kEventTables[index])});
    });
    tables.push_back({"batch", "CREATE TABLE batch(number INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, "
                               "last_seq INTEGER NOT NULL, committed_ns INTEGER NOT NULL)"});
    tables.push_back({"session_info", "CREATE TABLE session_info(name TEXT NOT NULL, value TEXT NOT NULL)"});
    tables.push_back({"enumeration", "CREATE TABLE enumeration(kind TEXT NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL)"});
    tables.push_back(
        {"lod_bar",
         "CREATE TABLE lod_bar(id INTEGER PRIMARY KEY, begin_ns INTEGER NOT NULL, "
         "duration_ns INTEGER NOT NULL, busy_ns INTEGER NOT NULL, longest_ns INTEGER NOT NULL, count INTEGER NOT NULL, "
         "colour_key INTEGER NOT NULL, bytes INTEGER NOT NULL, seq INTEGER NOT NULL, "
         "first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, lane INTEGER AS (id >> 44), "
         "level INTEGER AS ((id >> 40) & 15), bucket INTEGER AS (id & 1099511627775))"});
    tables.push_back({"residency_keyframe", "CREATE TABLE residency_keyframe(seq INTEGER PRIMARY KEY, "
                                            "time_ns INTEGER NOT NULL, grid BLOB NOT NULL)"});
    return tables;
}

constexpr const char* kViews = R"sql(
CREATE VIEW conversation AS
  SELECT seq, time_ns, turn, 'user' AS speaker, text FROM prompt_began
  UNION ALL
  SELECT min(seq), min(time_ns), turn, 'model', group_concat(text, '') FROM (SELECT * FROM token_emitted ORDER BY seq) GROUP BY turn
  ORDER BY 1;
CREATE VIEW router_choice AS
  SELECT seq, time_ns, token, layer, p.name AS phase, candidates, kept,
    (instr('123456789ABCDEF', substr(hex(substr(routing, 1, 1)), 1, 1)) * 16 +
     instr('123456789ABCDEF', substr(hex(substr(routing, 1, 1)), 2, 1))) +
    (instr('123456789ABCDEF', substr(hex(substr(routing, 2, 1)), 1, 1)) * 16 +
     instr('123456789ABCDEF', substr(hex(substr(routing, 2, 1)), 2, 1))) * 256 AS first_expert
  FROM experts_chosen JOIN enumeration p ON p.kind = 'phase' AND p.id = phase;
CREATE VIEW cache_access AS
  SELECT seq, time_ns, token, layer, expert, 'hit' AS result FROM expert_hit
  UNION ALL
  SELECT seq, time_ns, token, layer, expert, iif(in_flight, 'in flight', 'miss') FROM expert_missed
  ORDER BY 1;
CREATE VIEW transfer AS
  SELECT s.seq, s.begin_ns, s.end_ns, s.duration_ns / 1e6 AS duration_ms, s.queue_wait_ns / 1e6 AS queue_wait_ms, s.token,
    s.layer, s.expert, s.bytes, c.name AS cause, o.name AS outcome, s.emulated
  FROM transfer_span s JOIN enumeration c ON c.kind = 'transfer_cause' AND c.id = s.cause
    JOIN enumeration o ON o.kind = 'transfer_outcome' AND o.id = s.outcome;
CREATE VIEW stage AS
  SELECT s.seq, s.begin_ns, s.end_ns, s.duration_ns / 1e6 AS duration_ms, s.token, s.tokens, s.layer, n.name AS stage,
    p.name AS phase
  FROM stage_span s JOIN enumeration n ON n.kind = 'stage' AND n.id = s.stage
    JOIN enumeration p ON p.kind = 'phase' AND p.id = s.phase;
)sql";

constexpr const char* kEnumerations = R"sql(
INSERT INTO enumeration VALUES
  ('phase', 0, 'prefill'), ('phase', 1, 'decode'),
  ('stage', 0, 'step'), ('stage', 1, 'embed'), ('stage', 2, 'attention'), ('stage', 3, 'router'), ('stage', 4, 'experts'),
  ('stage', 5, 'output'), ('stage', 6, 'sample'),
  ('transfer_cause', 0, 'demand'), ('transfer_cause', 1, 'prefetch'), ('transfer_cause', 2, 'allocation'),
  ('transfer_outcome', 0, 'completed'), ('transfer_outcome', 1, 'cancelled'),
  ('eviction_cause', 0, 'demand'), ('eviction_cause', 1, 'prefetch'), ('eviction_cause', 2, 'budget'),
  ('end_reason', 0, 'end of text'), ('end_reason', 1, 'stop string'), ('end_reason', 2, 'token limit'),
  ('end_reason', 3, 'context full'), ('end_reason', 4, 'requested'), ('end_reason', 5, 'failed'),
  ('residency', 0, 'absent'), ('residency', 1, 'loading'), ('residency', 2, 'resident'),
  ('lane', 0, 'tokens'), ('lane', 1, 'layers'), ('lane', 2, 'stages'), ('lane', 3, 'copy demand'),
  ('lane', 4, 'copy prefetch'), ('lane', 5, 'stalls'), ('lane', 6, 'copy other'), ('lane', 7, 'to device'),
  ('lane', 8, 'other device copies'), ('lane', 9, 'kernels'), ('lane', 10, 'in place'),
  ('copy_colour', 0, 'demand'), ('copy_colour', 1, 'prefetch used'), ('copy_colour', 2, 'prefetch wasted'),
  ('copy_colour', 3, 'prefetch undecided'), ('copy_colour', 4, 'allocation'), ('copy_colour', 5, 'unattributed'),
  ('copy_colour', 6, 'cancelled'),
  ('device_copy_colour', 0, 'expert'), ('device_copy_colour', 1, 'in a pass'), ('device_copy_colour', 2, 'outside a pass'),
  ('copy_direction', 0, 'host to device'), ('copy_direction', 1, 'device to host'), ('copy_direction', 2, 'device to device'),
  ('copy_direction', 3, 'host to host'), ('copy_direction', 4, 'peer to peer'), ('copy_direction', 5, 'fill'),
  ('copy_direction', 6, 'other'),
  ('memory_kind', 0, 'unknown'), ('memory_kind', 1, 'pageable'), ('memory_kind', 2, 'pinned'), ('memory_kind', 3, 'device'),
  ('memory_kind', 4, 'array'), ('memory_kind', 5, 'managed'),
  ('wait_kind', 0, 'event'), ('wait_kind', 1, 'stream for event'), ('wait_kind', 2, 'stream'), ('wait_kind', 3, 'context'),
  ('wait_kind', 4, 'other'),
  ('loss_cause', 0, 'device buffers'), ('loss_cause', 1, 'host buffers'), ('loss_cause', 2, 'untimed'),
  ('loss_cause', 3, 'unreadable');
)sql";

} // namespace

const std::vector<TableText>& schemaTables() {
    static const std::vector<TableText> tables = makeTables();
    return tables;
}

const std::vector<std::string>& storedColumns(std::size_t kind) {
    static const std::vector<std::vector<std::string>> columns = makeStoredColumns();
    return columns.at(kind);
}

void createSchema(Connection& connection) {
    for (const TableText& table : schemaTables())
        connection.run(table.sql.c_str());
    connection.run(kViews);
    connection.run(kEnumerations);
    connection.run(fmt::format("PRAGMA application_id={}", kApplicationId).c_str());
    connection.run(fmt::format("PRAGMA user_version={}", kSchemaVersion).c_str());
}

void checkSchema(Connection& connection) {
    const std::string& name = connection.name();
    if (connection.integer("PRAGMA application_id") != kApplicationId)
        throw StoreError(fmt::format("{}: this is not a Moescope session.", name));
    const std::int64_t version = connection.integer("PRAGMA user_version");
    if (version > kSchemaVersion)
        throw StoreError(fmt::format("{}: it was written by a newer Moescope (session format {}, this program reads up to {}).",
                                     name, version, kSchemaVersion));
    if (version < 1)
        throw StoreError(fmt::format("{}: its session format {} is unknown.", name, version));
    Statement find(connection, "SELECT sql FROM sqlite_schema WHERE name = ?1 AND type = 'table'");
    for (std::size_t i = 0; i < schemaTables().size(); ++i) {
        const TableText& table = schemaTables()[i];
        find.bindText(0, table.name);
        const bool there = find.step();
        const bool mayLack = i >= kFirstFormatTables && i < kEventTables.size();
        if (there ? find.text(0) != table.sql : !mayLack)
            throw StoreError(fmt::format("{}: its table {} is not the one of session format {}.", name, table.name, version));
        find.reset();
    }
}

} // namespace moescope::session

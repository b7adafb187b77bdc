#include "profiler/session/event_select.h"

#include "engine/trace/routing_payload.h"
#include "profiler/session/columns.h"
#include "profiler/session/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace moescope::session {
namespace {

struct Limits {
    int layers = 0;
    int experts = 0;
};

/// Reads one row's columns into an event.
class RowWalk {
public:
    RowWalk(const Statement& row, Limits limits, std::vector<std::byte>& arena)
        : m_row(row), m_limits(limits), m_arena(arena) {}

    /// Name of the first column with an impossible value; empty if all are fine.
    std::string_view wrong() const { return m_wrong; }

    void instant(trace::TimeNs& at) { at = time("time_ns"); }
    void span(trace::TimeNs& begin, trace::TimeNs& end) {
        begin = time("begin_ns");
        end = begin + time("duration_ns");
    }
    void queueWait(trace::TimeNs& queuedAt, trace::TimeNs& begin) { queuedAt = begin - time("queue_wait_ns"); }
    template <class Tag>
    void id(std::string_view name, trace::Id<Tag>& id) {
        const int column = m_column++;
        if (!m_row.null(column))
            id.value = static_cast<std::int32_t>(within(name, m_row.integer(column), 0, most<Tag>()));
    }
    void key(std::string_view layer, std::string_view expert, trace::ExpertKey& key) {
        id(layer, key.layer);
        id(expert, key.expert);
    }
    template <class T>
    void number(std::string_view name, T& value) {
        value = static_cast<T>(within(name, m_row.integer(m_column++), std::numeric_limits<T>::min(),
                                      static_cast<std::int64_t>(std::numeric_limits<T>::max())));
    }
    void flag(std::string_view name, bool& value) { value = within(name, m_row.integer(m_column++), 0, 1) != 0; }
    void real(std::string_view, float& value) { value = static_cast<float>(m_row.real(m_column++)); }
    template <class E>
    void choice(std::string_view name, E& value, E last) {
        value = static_cast<E>(within(name, m_row.integer(m_column++), 0, static_cast<std::int64_t>(last)));
    }
    void text(std::string_view) { append(m_row.bytes(m_column++)); }
    void routing(std::string_view name, trace::ExpertsChosen& e) {
        const auto bytes = m_row.bytes(m_column++);
        if (e.candidates > trace::kMaxTopK || e.kept > e.candidates || bytes.size() != trace::routingPayloadBytes(e) ||
            !idsWithin(bytes, e))
            m_wrong = name;
        else
            append(bytes);
    }
    void setting(std::string_view, std::string_view, std::string_view) {
        for (int part = 0; part < 3; ++part) {
            if (part > 0)
                m_arena.push_back(std::byte{0});
            append(m_row.bytes(m_column++));
        }
    }

private:
    template <class Tag>
    std::int64_t most() const {
        if constexpr (std::is_same_v<Tag, trace::LayerTag>)
            return m_limits.layers - 1;
        else if constexpr (std::is_same_v<Tag, trace::ExpertTag>)
            return m_limits.experts - 1;
        else if constexpr (std::is_same_v<Tag, trace::TokenTag> || std::is_same_v<Tag, trace::TurnTag>)
            return kMaxToken;
        else
            return std::numeric_limits<std::int32_t>::max();
    }
    std::int64_t within(std::string_view name, std::int64_t value, std::int64_t least, std::int64_t greatest) {
        if (value >= least && value <= greatest)
            return value;
        m_wrong = name;
        return least;
    }
    trace::TimeNs time(std::string_view name) { return within(name, m_row.integer(m_column++), -kMaxTimeNs, kMaxTimeNs); }
    bool idsWithin(std::span<const std::byte> bytes, const trace::ExpertsChosen& e) const {
        for (std::size_t i = 0; i < e.candidates; ++i) {
            std::uint16_t expert = 0;
            std::memcpy(&expert, bytes.data() + 2 * i, sizeof expert);
            if (expert >= e.experts)
                return false;
        }
        return e.experts <= m_limits.experts;
    }
    void append(std::span<const std::byte> bytes) { m_arena.insert(m_arena.end(), bytes.begin(), bytes.end()); }

    const Statement& m_row;
    Limits m_limits;
    std::vector<std::byte>& m_arena;
    std::string_view m_wrong;
    int m_column = 1;
};

using ReadRow = std::string_view (*)(const Statement&, Limits, std::vector<std::byte>&, trace::Event&);

template <class Kind>
std::string_view readRow(const Statement& row, Limits limits, std::vector<std::byte>& arena, trace::Event& event) {
    RowWalk walk(row, limits, arena);
    walkColumns(walk, event.emplace<Kind>());
    return walk.wrong();
}

template <std::size_t... kind>
constexpr std::array<ReadRow, sizeof...(kind)> rowReaders(std::index_sequence<kind...>) {
    return {&readRow<std::variant_alternative_t<kind, trace::Event>>...};
}

constexpr auto kReadRow = rowReaders(std::make_index_sequence<std::variant_size_v<trace::Event>>{});

} // namespace

EventSelect::EventSelect(Connection& connection, const SessionInfo& info) : m_connection(&connection) {
    const bool known = info.model.layers > 0 || info.model.experts > 0;
    m_layers = known ? info.model.layers : kMaxLayers;
    m_experts = known ? info.model.experts : kMaxExperts;
    Statement find(connection, "SELECT 1 FROM sqlite_schema WHERE name = ?1 AND type = 'table'");
    const auto prepare = [&](std::vector<std::optional<Statement>>& into, std::size_t kind, std::string_view where) {
        find.reset();
        find.bindText(0, kEventTables[kind]);
        if (!find.step()) {
            into.emplace_back(std::nullopt);
            return;
        }
        into.emplace_back(std::in_place, connection,
                          fmt::format("SELECT {} FROM {} WHERE seq BETWEEN ?1 AND ?2 AND {} ORDER BY seq",
                                      fmt::join(storedColumns(kind), ", "), kEventTables[kind], where));
    };
    for (std::size_t kind = 0; kind < kEventTables.size(); ++kind)
        prepare(m_statements, kind, "1");
    for (std::size_t lane = 0; lane < kLanes; ++lane)
        prepare(m_lanes, sourceOf(static_cast<Lane>(lane)).kind, sourceOf(static_cast<Lane>(lane)).where);
}

template <class Place>
void EventSelect::readTable(std::optional<Statement>& statement, std::size_t kind, const Range& range, Batch& into,
                            Place&& place) {
    if (!statement)
        return;
    Statement& select = *statement;
    const auto damaged = [&](std::int64_t seq, std::string_view what) {
        return StoreError(
            fmt::format("{}: the session is damaged: event {} in {} {}.", m_connection->name(), seq, kEventTables[kind], what));
    };
    select.reset();
    select.bind(0, range.first);
    select.bind(1, range.last);
    std::int64_t before = range.first - 1;
    while (select.step()) {
        const std::int64_t seq = select.integer(0);
        // A damaged tree may hand out rows twice or backwards.
        if (seq <= before || seq > range.last)
            throw damaged(seq, "is out of order");
        before = seq;
        Record& record = place(seq);
        if (record.seq != 0)
            throw damaged(seq, "has the number of another event");
        record.seq = seq;
        record.payloadOffset = into.arena.size();
        const std::string_view wrong = kReadRow[kind](select, {m_layers, m_experts}, into.arena, record.event);
        if (!wrong.empty())
            throw damaged(seq, fmt::format("has an impossible {}", wrong));
        record.payloadBytes = into.arena.size() - record.payloadOffset;
        if (into.arena.size() > static_cast<std::size_t>(range.mostBytes))
            throw damaged(seq, "and its neighbours hold more text than the file");
    }
    select.reset();
}

void EventSelect::readAll(std::int64_t first, std::int64_t last, std::int64_t mostBytes, Batch& into) {
    const std::size_t start = into.records.size();
    into.records.resize(start + static_cast<std::size_t>(last - first + 1));
    const auto place = [&](std::int64_t seq) -> Record& { return into.records[start + static_cast<std::size_t>(seq - first)]; };
    for (std::size_t kind = 0; kind < kEventTables.size(); ++kind)
        readTable(m_statements[kind], kind, {first, last, mostBytes}, into, place);
    for (std::int64_t seq = first; seq <= last; ++seq)
        if (place(seq).seq != seq)
            throw StoreError(fmt::format("{}: the session is damaged: event {} is missing.", m_connection->name(), seq));
}

void EventSelect::readSome(EventKinds kinds, std::int64_t first, std::int64_t last, std::int64_t mostBytes, Batch& into) {
    const auto start = static_cast<std::ptrdiff_t>(into.records.size());
    const auto place = [&](std::int64_t) -> Record& { return into.records.emplace_back(); };
    for (std::size_t kind = 0; kind < kEventTables.size(); ++kind)
        if (kinds.test(kind))
            readTable(m_statements[kind], kind, {first, last, mostBytes}, into, place);
    std::sort(into.records.begin() + start, into.records.end(), [](const Record& a, const Record& b) { return a.seq < b.seq; });
}

void EventSelect::readLane(Lane lane, std::int64_t first, std::int64_t last, std::int64_t mostBytes, Batch& into) {
    const auto place = [&](std::int64_t) -> Record& { return into.records.emplace_back(); };
    readTable(m_lanes[static_cast<std::size_t>(lane)], sourceOf(lane).kind, {first, last, mostBytes}, into, place);
}

} // namespace moescope::session

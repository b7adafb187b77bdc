#include "profiler/session/session_reader.h"

#include "profiler/session/info_rows.h"
#include "profiler/session/lane_query.h"
#include "profiler/session/open_session.h"
#include "profiler/session/residency.h"
#include "profiler/session/schema.h"
#include "profiler/session/session_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace moescope::session {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::chrono::milliseconds kWaitForPlainFile{250};
constexpr std::chrono::milliseconds kRetryPlainFile{1000};
constexpr int kTriesForPlainFile = 5;

/// One view of the file for several statements.
class ReadTransaction {
public:
    explicit ReadTransaction(OpenSession& session) : m_connection(*session.connection) { m_connection.run("BEGIN"); }
    ~ReadTransaction() { m_connection.tryRun("COMMIT"); }
    ReadTransaction(const ReadTransaction&) = delete;
    ReadTransaction& operator=(const ReadTransaction&) = delete;

private:
    Connection& m_connection;
};

std::int64_t sizeOrZero(std::filesystem::path path, const char* suffix) {
    path += suffix;
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    return error ? 0 : static_cast<std::int64_t>(size);
}

struct BatchRow {
    std::int64_t number = 0;
    std::int64_t first = 0;
    std::int64_t last = 0;
    trace::TimeNs committedAt = 0;
};

} // namespace

struct SessionReader::State {
    explicit State(std::filesystem::path file) : path(std::move(file)), session(openSession(path)), info(session->info) {
        readEnd();
    }

    /// The open file. Throws if it could not be opened again when it stopped being live.
    OpenSession& use() const;

    std::int64_t fileBytes() const { return sizeOrZero(use().file, "") + sizeOrZero(use().file, "-wal"); }
    void readEnd();
    std::optional<BatchRow> batchRow(std::int64_t number);
    Batch readBatch(const BatchRow& row);
    /// Least number of a batch for which `reached` holds; end.number + 1 if there is none.
    template <class Reached>
    std::int64_t firstBatch(Reached&& reached);
    void reopen();
    void becomePlain();
    LaneScan scan() { return {use(), fates, end.last, fileBytes()}; }

    std::filesystem::path path;
    std::unique_ptr<OpenSession> session;
    SessionInfo info;
    PrefetchFates fates;
    BatchRow end;            // the last committed batch known
    std::int64_t cursor = 1; // number of the batch that next() gives
    SteadyTime nextTry{};    // to leave the WAL when a live session has ended
    int tries = 0;           // left; none for a file that was found finished with a WAL
};

OpenSession& SessionReader::State::use() const {
    if (!session)
        throw StoreError(fmt::format("{}: the file is gone.", path.filename().string()));
    return *session;
}

void SessionReader::State::readEnd() {
    Statement& select = *session->batchLast;
    select.reset();
    if (select.step())
        end = {select.integer(0), 0, select.integer(1), select.integer(2)};
    select.reset();
    // No event takes less than 8 bytes: a greater number is not believed before anything is reserved for it.
    if (end.number < 0 || end.last < 0 || end.last > fileBytes() / 8 || end.number > end.last || end.committedAt > kMaxTimeNs ||
        end.committedAt < -kMaxTimeNs)
        throw StoreError(fmt::format("{}: the session is damaged: its last batch cannot be.", session->connection->name()));
}

std::optional<BatchRow> SessionReader::State::batchRow(std::int64_t number) {
    Statement& select = *session->batchByNumber;
    select.reset();
    select.bind(0, number);
    std::optional<BatchRow> row;
    if (select.step())
        row = BatchRow{number, select.integer(0), select.integer(1), select.integer(2)};
    select.reset();
    if (row && (row->first < 1 || row->last < row->first || row->last > std::max(end.last, fileBytes() / 8)))
        throw StoreError(fmt::format("{}: the session is damaged: batch {} cannot be.", session->connection->name(), number));
    return row;
}

Batch SessionReader::State::readBatch(const BatchRow& row) {
    Batch batch;
    batch.number = row.number;
    batch.committedAt = row.committedAt;
    session->events->readAll(row.first, row.last, fileBytes(), batch);
    return batch;
}

template <class Reached>
std::int64_t SessionReader::State::firstBatch(Reached&& reached) {
    std::int64_t low = 1;
    std::int64_t high = end.number + 1;
    while (low < high) {
        const std::int64_t middle = low + (high - low) / 2;
        const auto row = batchRow(middle);
        if (!row || reached(*row))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void SessionReader::State::reopen() {
    session.reset();
    session = openSession(path);
    info = session->info;
    readEnd();
}

void SessionReader::State::becomePlain() {
    const auto now = std::chrono::steady_clock::now();
    if (now < nextTry)
        return;
    nextTry = now + kRetryPlainFile;
    --tries;
    // The writer can leave WAL mode only while nobody has the file open.
    session.reset();
    while (hasWal(path) && std::chrono::steady_clock::now() < now + kWaitForPlainFile)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    reopen();
}

SessionReader::SessionReader(const std::filesystem::path& path) : m_state(std::make_unique<State>(path)) {}
SessionReader::~SessionReader() = default;
SessionReader::SessionReader(SessionReader&&) noexcept = default;

const SessionInfo& SessionReader::info() const {
    return m_state->session->info;
}

bool SessionReader::refresh() {
    State& s = *m_state;
    if (!s.info.finished()) {
        if (s.use().mode == Connection::Mode::Immutable && hasWal(s.path))
            s.reopen();
        if (s.use().mode == Connection::Mode::Follow) {
            const ReadTransaction snapshot(s.use());
            s.readEnd();
            s.use().ended->reset();
            if (s.use().ended->step()) {
                s.info = readInfo(*s.use().connection);
                s.tries = kTriesForPlainFile;
            }
            s.use().ended->reset();
        }
    }
    if (s.tries > 0 && s.use().mode == Connection::Mode::Follow && !s.use().copy)
        s.becomePlain();
    return s.info.finished();
}

std::optional<Batch> SessionReader::next() {
    State& s = *m_state;
    const ReadTransaction snapshot(s.use());
    const auto row = s.batchRow(s.cursor);
    if (!row)
        return std::nullopt;
    Batch batch = s.readBatch(*row);
    if (row->number > s.end.number)
        s.end = *row;
    ++s.cursor;
    return batch;
}

void SessionReader::seek(std::int64_t seq) {
    State& s = *m_state;
    const ReadTransaction snapshot(s.use());
    s.readEnd();
    s.cursor = s.firstBatch([seq](const BatchRow& row) { return row.last >= seq; });
}

std::int64_t SessionReader::lastSeq() const {
    return m_state->end.last;
}
trace::TimeNs SessionReader::lastTime() const {
    return m_state->end.committedAt;
}

std::int64_t SessionReader::seqAt(trace::TimeNs time) {
    State& s = *m_state;
    const ReadTransaction snapshot(s.use());
    const std::int64_t number = s.firstBatch([time](const BatchRow& row) { return row.committedAt > time; });
    const auto row = s.batchRow(number);
    if (!row)
        return s.end.last;
    const Batch batch = s.readBatch(*row);
    const auto found = std::find_if(batch.records.rbegin(), batch.records.rend(),
                                    [time](const Record& record) { return trace::timeOf(record.event) <= time; });
    return found == batch.records.rend() ? row->first - 1 : found->seq;
}

Batch SessionReader::read(std::int64_t first, std::int64_t last) {
    State& s = *m_state;
    const ReadTransaction snapshot(s.use());
    Batch batch;
    first = std::max<std::int64_t>(first, 1);
    last = std::min(last, s.end.last);
    if (first > last)
        return batch;
    s.use().events->readAll(first, last, s.fileBytes(), batch);
    batch.committedAt = trace::timeOf(batch.records.back().event);
    return batch;
}

Batch SessionReader::readTokens(std::int64_t first, std::int64_t last) {
    State& s = *m_state;
    const ReadTransaction snapshot(s.use());
    Batch batch;
    s.use().events->readSome(kindsOf<trace::TokenEmitted>(), std::max<std::int64_t>(first, 1), std::min(last, s.end.last),
                             s.fileBytes(), batch);
    return batch;
}

std::vector<LaneBar> SessionReader::lane(const LaneQuery& query) {
    State& s = *m_state;
    const ReadTransaction snapshot(s.use());
    std::vector<LaneBar> bars;
    LaneScan scan = s.scan();
    for (const LodRow& row : scan.rows(query))
        bars.push_back({row.begin, row.end, std::min(row.busyNs, row.end - row.begin), static_cast<std::int32_t>(row.count),
                        row.colourKey, row.bytes, row.seq});
    return bars;
}

std::vector<SessionReader::LinkBucket> SessionReader::linkBytes(trace::TimeNs begin, trace::TimeNs end, int buckets,
                                                                LinkSource source) {
    std::vector<LinkBucket> result;
    if (buckets < 1 || end <= begin)
        return result;
    State& s = *m_state;
    const ReadTransaction snapshot(s.use());
    const double width = static_cast<double>(end - begin) / buckets;
    const auto edge = [&](int bucket) { return begin + static_cast<trace::TimeNs>(width * bucket); };
    for (int bucket = 0; bucket < buckets; ++bucket)
        result.push_back({edge(bucket), bucket + 1 < buckets ? edge(bucket + 1) : end});
    const std::vector<Lane> lanes = source == LinkSource::Copies ? std::vector{Lane::ToDevice}
                                    : source == LinkSource::Counters
                                        ? std::vector{Lane::LinkIn}
                                        : std::vector{Lane::CopyDemand, Lane::CopyPrefetch, Lane::CopyOther};
    for (std::size_t kind = 0; kind < lanes.size(); ++kind) {
        LaneScan scan = s.scan();
        for (const LodRow& row :
             scan.rowsByPart({lanes[kind], begin, end, std::max<trace::TimeNs>(1, (end - begin) / buckets / 2)}, buckets)) {
            // Bytes that had crossed by an instant; differences of it add up to the row's bytes exactly.
            const auto crossed = [&row](trace::TimeNs at) {
                if (at >= row.end)
                    return row.bytes;
                return at <= row.begin ? 0
                                       : static_cast<std::int64_t>(
                                             static_cast<double>(row.bytes) *
                                             (static_cast<double>(at - row.begin) / static_cast<double>(row.end - row.begin)));
            };
            int bucket = std::clamp(static_cast<int>(static_cast<double>(row.begin - begin) / width) - 1, 0, buckets - 1);
            for (; bucket < buckets && result[static_cast<std::size_t>(bucket)].begin <= row.end; ++bucket) {
                LinkBucket& part = result[static_cast<std::size_t>(bucket)];
                part.bytes[kind] += crossed(part.end) - crossed(part.begin);
            }
        }
    }
    return result;
}

ResidencyGrid SessionReader::residencyAt(std::int64_t seq) {
    State& s = *m_state;
    const ReadTransaction snapshot(s.use());
    ResidencyGrid grid = emptyResidency(s.use().info.model.layers, s.use().info.model.experts);
    seq = std::clamp<std::int64_t>(seq, 0, s.end.last);
    Statement& keyframe = *s.use().keyframe;
    keyframe.reset();
    keyframe.bind(0, seq);
    std::int64_t from = 0;
    if (keyframe.step()) {
        from = keyframe.integer(0);
        auto state = unpackResidency(keyframe.bytes(1), grid.state.size());
        if (!state)
            throw StoreError(fmt::format("{}: the session is damaged: the cache's keyframe at event {} cannot be.",
                                         s.use().connection->name(), from));
        grid.state = std::move(*state);
    }
    keyframe.reset();
    Batch tail;
    s.use().events->readSome(kindsOf<trace::ExpertHit, trace::ExpertMissed, trace::ExpertEvicted, trace::PrefetchIssued,
                                     trace::TransferSpan, trace::InPlaceSpan>(),
                             from + 1, seq, s.fileBytes(), tail);
    for (const Record& record : tail.records)
        foldResidency(grid, record.event);
    grid.seq = seq;
    return grid;
}

std::vector<std::string> SessionReader::verify() {
    State& s = *m_state;
    const ReadTransaction snapshot(s.use());
    return checkSession(s.use(), s.fileBytes());
}

std::int64_t SessionReader::fileBytes() const {
    return m_state->fileBytes();
}

} // namespace moescope::session

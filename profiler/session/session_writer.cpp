#include "profiler/session/session_writer.h"

#include "profiler/session/checkpointer.h"
#include "profiler/session/event_insert.h"
#include "profiler/session/info_rows.h"
#include "profiler/session/overview_builder.h"
#include "profiler/session/schema.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <thread>

namespace moescope::session {
namespace {

// From here on the checkpointer is asked after each commit (16 MB); it is done when it moved everything between two commits.
// Where they come too fast for that, the writer moves the few pages that were left itself (64 MB).
constexpr int kWalPagesWorthMoving = 4000;
constexpr int kMostWalPages = 16000;
// How long finish() waits for live readers to let go of the WAL.
constexpr std::chrono::milliseconds kPatience{2000};

std::filesystem::path withSuffix(std::filesystem::path path, const char* suffix) {
    path += suffix;
    return path;
}

std::int64_t sizeOrZero(const std::filesystem::path& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    return error ? 0 : static_cast<std::int64_t>(size);
}

} // namespace

struct SessionWriter::State {
    State(const std::filesystem::path& file, const SessionInfo& info)
        : path(file), connection(std::in_place, file, Connection::Mode::Create, file.filename().string()),
          overview(info.model.layers, info.model.experts), checkpointer(std::in_place, file, file.filename().string()) {}

    void begin(const SessionInfo& info, WriteLimits limits);
    void storeOverview();
    void finish(trace::TimeNs endedNs, std::int64_t eventsLost);
    /// Runs work as one transaction; nothing of it stays when it throws.
    template <class Work>
    void transaction(Work&& work);

    std::filesystem::path path;
    std::optional<Connection> connection; // until finish()
    std::optional<EventInsert> events;
    std::optional<Statement> batch, lod, keyframe;
    OverviewBuilder overview;
    std::optional<Checkpointer> checkpointer; // until finish()
};

template <class Work>
void SessionWriter::State::transaction(Work&& work) {
    try {
        connection->run("BEGIN IMMEDIATE");
        work();
        connection->run("COMMIT");
    } catch (const StoreError& error) {
        connection->tryRun("ROLLBACK");
        if (error.diskFull)
            throw DiskFull(error.what());
        throw;
    }
}

void SessionWriter::State::begin(const SessionInfo& info, WriteLimits limits) {
    connection->run("PRAGMA page_size=4096; PRAGMA auto_vacuum=NONE; PRAGMA secure_delete=OFF; PRAGMA temp_store=MEMORY;"
                    "PRAGMA cache_size=-8000");
    // The tables come before WAL mode, so that the file is whole for whoever opens it first.
    transaction([&] {
        createSchema(*connection);
        insertInfo(*connection, info);
    });
    connection->run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
    connection->takeOverCheckpoints();
    if (limits.maxPages > 0)
        connection->run(fmt::format("PRAGMA max_page_count={}", limits.maxPages).c_str());
    events.emplace(*connection);
    batch.emplace(*connection, "INSERT INTO batch(number, first_seq, last_seq, committed_ns) VALUES (?, ?, ?, ?)");
    lod.emplace(*connection,
                "INSERT OR REPLACE INTO lod_bar(id, begin_ns, duration_ns, busy_ns, longest_ns, count, colour_key, bytes, seq, "
                "first_seq, last_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    keyframe.emplace(*connection, "INSERT INTO residency_keyframe(seq, time_ns, grid) VALUES (?, ?, ?)");
}

void SessionWriter::State::storeOverview() {
    for (const LodRow& row : overview.rows()) {
        int column = 0;
        for (std::int64_t value : {row.id, row.begin, row.end - row.begin, row.busyNs, row.longestNs, row.count,
                                   std::int64_t{row.colourKey}, row.bytes, row.seq, row.firstSeq, row.lastSeq})
            lod->bind(column++, value);
        lod->execute();
    }
    for (const Keyframe& frame : overview.keyframes()) {
        keyframe->bind(0, frame.seq);
        keyframe->bind(1, frame.at);
        keyframe->bindBlob(2, frame.grid);
        keyframe->execute();
    }
}

void SessionWriter::State::finish(trace::TimeNs endedNs, std::int64_t eventsLost) {
    overview.finish();
    transaction([&] {
        storeOverview();
        updateEnd(*connection, endedNs, eventsLost);
    });
    overview.clear();
    checkpointer.reset(); // leaving WAL mode needs the file alone
    batch.reset();
    lod.reset();
    keyframe.reset();
    events.reset();
    connection->tryRun("PRAGMA wal_checkpoint(TRUNCATE)");
    // Live readers let go when they see the end. If one does not, the file stays in WAL
    // mode, which readers open just as well; likewise if the disk is full.
    const auto until = std::chrono::steady_clock::now() + kPatience;
    connection->run("PRAGMA busy_timeout=50");
    while (!connection->tryRun("PRAGMA journal_mode=DELETE") && connection->busy() && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    connection.reset();
}

SessionWriter::SessionWriter(const std::filesystem::path& path, const SessionInfo& info, WriteLimits limits) {
    if (std::filesystem::exists(path))
        throw std::runtime_error(fmt::format("{}: the file exists already.", path.filename().string()));
    if (info.model.layers < 0 || info.model.layers > kMaxLayers || info.model.experts < 0 || info.model.experts > kMaxExperts ||
        info.model.layers * info.model.experts > kMaxCells)
        throw std::runtime_error(fmt::format("{}: a session cannot hold a model of {} layers with {} experts each.",
                                             path.filename().string(), info.model.layers, info.model.experts));
    try {
        m_state = std::make_unique<State>(path, info);
        m_state->begin(info, limits);
    } catch (...) {
        // A file without its tables would only be in the way of the next attempt.
        m_state.reset();
        for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
            std::error_code ignored;
            std::filesystem::remove(withSuffix(path, suffix), ignored);
        }
        throw;
    }
}

SessionWriter::~SessionWriter() = default;

void SessionWriter::write(const Batch& batch) {
    if (batch.records.empty())
        return;
    State& s = *m_state;
    if (!s.connection)
        throw std::runtime_error(fmt::format("{}: the session has ended.", s.path.filename().string()));
    s.transaction([&] {
        s.events->insert(batch);
        int column = 0;
        for (std::int64_t value : {batch.number, batch.records.front().seq, batch.records.back().seq, batch.committedAt})
            s.batch->bind(column++, value);
        s.batch->execute();
        s.storeOverview();
    });
    if (s.connection->walPages() >= kWalPagesWorthMoving)
        s.checkpointer->request();
    if (s.connection->walPages() >= kMostWalPages)
        s.connection->checkpoint();
    s.overview.clear();
    // Only after the commit: a batch that did not fit leaves no trace. Its rows are stored with the next batch.
    for (const Record& record : batch.records)
        s.overview.add(record);
}

void SessionWriter::finish(trace::TimeNs endedNs, std::int64_t eventsLost) {
    if (m_state->connection)
        m_state->finish(endedNs, eventsLost);
}

const std::filesystem::path& SessionWriter::path() const {
    return m_state->path;
}

std::int64_t SessionWriter::bytesWritten() const {
    return sizeOrZero(m_state->path) + sizeOrZero(withSuffix(m_state->path, "-wal"));
}

} // namespace moescope::session

#include "profiler/session/open_session.h"

#include "profiler/session/info_rows.h"
#include "profiler/session/schema.h"

#include <fmt/format.h>

#include <cstdlib>

namespace moescope::session {
namespace {

namespace fs = std::filesystem;

fs::path walOf(fs::path path) {
    path += "-wal";
    return path;
}

void prepare(OpenSession& session) {
    Connection& connection = *session.connection;
    connection.run("PRAGMA cell_size_check=ON; PRAGMA cache_size=-16000");
    checkSchema(connection);
    session.info = readInfo(connection);
    session.events.emplace(connection, session.info);
    session.batchByNumber.emplace(connection, "SELECT first_seq, last_seq, committed_ns FROM batch WHERE number = ?1");
    session.batchLast.emplace(connection, "SELECT number, last_seq, committed_ns FROM batch ORDER BY number DESC LIMIT 1");
    session.keyframe.emplace(connection, "SELECT seq, grid FROM residency_keyframe WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1");
    session.lodRange.emplace(connection,
                             "SELECT id, begin_ns, duration_ns, busy_ns, longest_ns, count, colour_key, bytes, seq, first_seq, "
                             "last_seq FROM lod_bar WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
    session.lodLast.emplace(connection, "SELECT id, last_seq FROM lod_bar WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1");
    session.ended.emplace(connection, "SELECT 1 FROM session_info WHERE name = 'ended_ns' AND value <> '-1'");
    session.resolved.emplace(connection, "SELECT seq, transfer, used FROM prefetch_resolved WHERE seq > ?1 ORDER BY seq");
}

std::unique_ptr<OpenSession> open(const fs::path& file, Connection::Mode mode, const std::string& name) {
    auto session = std::make_unique<OpenSession>();
    session->file = file;
    session->mode = mode;
    session->connection.emplace(file, mode, name);
    prepare(*session);
    return session;
}

std::unique_ptr<OpenSession> openCopy(const fs::path& path, const std::string& name) {
    auto folder = std::make_unique<TemporaryFolder>();
    const fs::path copy = folder->path() / "session.moescope";
    std::error_code error;
    fs::copy_file(path, copy, error);
    if (!error)
        fs::copy_file(walOf(path), walOf(copy), error);
    if (error)
        throw StoreError(
            fmt::format("{}: its recording was cut off, and no copy could be made to recover it ({}).", name, error.message()));
    auto session = open(copy, Connection::Mode::Follow, name);
    session->copy = std::move(folder);
    return session;
}

} // namespace

TemporaryFolder::TemporaryFolder() {
    std::error_code error;
    std::string pattern = (fs::temp_directory_path(error) / "moescope-XXXXXX").string();
    if (error || mkdtemp(pattern.data()) == nullptr)
        throw StoreError("No temporary folder could be made to recover the session.");
    m_path = pattern;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(m_path, ignored);
}

bool hasWal(const fs::path& path) {
    std::error_code error;
    const auto size = fs::file_size(walOf(path), error);
    return !error && size > 0;
}

std::unique_ptr<OpenSession> openSession(const fs::path& path) {
    const std::string name = path.filename().string();
    std::error_code error;
    if (!fs::exists(path, error))
        throw StoreError(fmt::format("{}: there is no such file.", path.string()));
    if (!fs::is_regular_file(path, error))
        throw StoreError(fmt::format("{}: this is not a file.", path.string()));
    if (!hasWal(path))
        return open(path, Connection::Mode::Immutable, name);
    try {
        return open(path, Connection::Mode::Follow, name);
    } catch (const StoreError& failure) {
        if (!failure.needsWriting)
            throw;
    }
    return openCopy(path, name);
}

} // namespace moescope::session

#pragma once
#include "profiler/session/connection.h"
#include "profiler/session/event_select.h"
#include "profiler/session/session_info.h"

#include <memory>
#include <optional>

namespace moescope::session {

/// Removes a folder when it goes. Holds the copy of a killed run that lies where SQLite cannot write.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::filesystem::path& path() const { return m_path; }

private:
    std::filesystem::path m_path;
};

/// A session file opened for reading, with its checked facts and prepared statements. Owned by a SessionReader, which
/// replaces it when the file stops being live. Members in the order of their lifetimes.
struct OpenSession {
    std::unique_ptr<TemporaryFolder> copy; ///< where the file really is, if it had to be copied
    std::filesystem::path file;
    Connection::Mode mode = Connection::Mode::Immutable;
    std::optional<Connection> connection;
    SessionInfo info;
    std::optional<EventSelect> events;
    std::optional<Statement> batchByNumber, batchLast, keyframe, lodRange, lodLast, resolved, ended;
};

/// Without a WAL beside it the file is opened as immutable: nothing is written, not even beside it, also in a read-only folder.
/// With one (live, or killed) it is followed through the WAL; where that needs a folder that cannot be written, a copy
/// is made in the system's temporary folder. Throws StoreError.
std::unique_ptr<OpenSession> openSession(const std::filesystem::path& path);

/// Whether a WAL with something in it lies beside the file.
bool hasWal(const std::filesystem::path& path);

} // namespace moescope::session

#pragma once
#include "profiler/session/batch.h"
#include "profiler/session/session_info.h"

#include <filesystem>
#include <memory>
#include <stdexcept>

namespace moescope::session {

/// The disk (or the file's size limit) is full: nothing of the batch was written, what is in the file stays readable.
struct DiskFull : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct WriteLimits {
    std::int64_t maxPages = 0; ///< 0 = no limit; for tests of the full disk
};

/// Writes a session: WAL while it grows, one plain file after finish(). One thread. Level-of-detail rows and cache keyframes
/// are built while streaming. Constructors and methods throw std::runtime_error with one sentence.
class SessionWriter {
public:
    /// Fails if the file exists.
    SessionWriter(const std::filesystem::path& path, const SessionInfo& info, WriteLimits limits = {});
    ~SessionWriter(); ///< without finish(): the file is left as a killed run would leave it, committed batches intact

    /// One transaction. Numbers are taken from the batch as given (consecutive). Throws DiskFull.
    void write(const Batch& batch);
    /// Notes the end, leaves WAL mode, and closes.
    void finish(trace::TimeNs endedNs, std::int64_t eventsLost);
    const std::filesystem::path& path() const;
    std::int64_t bytesWritten() const; ///< size of the file and its WAL

private:
    struct State;
    std::unique_ptr<State> m_state;
};

} // namespace moescope::session

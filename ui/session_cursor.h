#pragma once
#include "profiler/analysis/snapshot_builder.h"
#include "profiler/session/session_reader.h"
#include "ui/session_feed.h"

#include <chrono>
#include <map>
#include <optional>

namespace moescope::ui {

/// A place in one session: its reader, and the builder that has folded every event up to that place. Owned by FeedWorker, used
/// on its thread only. All methods may throw std::runtime_error with a sentence for the user when the file is bad.
class SessionCursor {
public:
    explicit SessionCursor(const QString& path);

    const QString& path() const { return m_path; }
    /// Asks the file for news. True if something was committed, or the session ended, since the last call.
    bool refresh();
    bool finished() const { return m_info->finished(); }
    /// False once the path names another file, or none.
    bool sameFileOnDisk() const;
    bool fileExists() const;

    std::int64_t seq() const { return m_seq; }
    std::int64_t lastSeq() const { return m_reader.lastSeq(); }
    trace::TimeNs lastTime() const { return m_reader.lastTime(); }
    trace::TimeNs now() const;
    std::int64_t seqAt(trace::TimeNs time) { return m_reader.seqAt(time); }

    /// Goes back, if `target` lies before the place, to the nearest earlier state that is known.
    void retreat(std::int64_t target);
    /// Folds events up to `target` for about `budget`; true when there.
    bool advance(std::int64_t target, std::chrono::milliseconds budget);
    /// seq of the event at which `count` more (or, negative, fewer) tokens have been generated than here; the ends otherwise.
    std::int64_t seqAfterTokens(int count);

    analysis::SnapshotPtr snapshot(bool withOptimum);
    TimelineWindow timeline(trace::TimeNs begin, trace::TimeNs end, int pixels);
    std::optional<trace::Event> event(std::int64_t seq);

private:
    std::int64_t seqOfTokenAhead(int count);
    std::int64_t seqOfTokenBehind(int count);
    void keepCheckpoint();

    QString m_path;
    session::SessionReader m_reader;
    std::shared_ptr<const session::SessionInfo> m_info;
    std::unique_ptr<analysis::SnapshotBuilder> m_builder;
    /// Builders at earlier places, by seq: going back starts from one of them.
    std::map<std::int64_t, std::unique_ptr<analysis::SnapshotBuilder>> m_checkpoints;
    std::int64_t m_checkpointEvery = 0;
    std::int64_t m_seq = 0;
    std::int64_t m_lastKnown = 0;
    std::uint64_t m_inode = 0;
};

} // namespace moescope::ui

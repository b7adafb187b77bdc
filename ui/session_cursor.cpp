#include "ui/session_cursor.h"

#include "profiler/session/lane_items.h"

#include <QFile>
#include <QFileInfo>
#include <algorithm>
#include <filesystem>
#include <sys/stat.h>

namespace moescope::ui {

namespace {

constexpr std::int64_t kChunk = 4096;
constexpr std::int64_t kTokenChunk = 32'768;
/// Folding so many events takes some 30 ms: what going back may cost at worst.
constexpr std::int64_t kFirstInterval = 16'384;
constexpr std::size_t kMostCheckpoints = 48;

std::uint64_t inodeOf(const QString& path) {
    struct stat entry = {};
    return ::stat(QFile::encodeName(path).constData(), &entry) == 0 ? entry.st_ino : 0;
}

std::filesystem::path toPath(const QString& path) {
    return QFile::encodeName(path).toStdString();
}

} // namespace

SessionCursor::SessionCursor(const QString& path)
    : m_path(path), m_reader(toPath(path)), m_info(std::make_shared<const session::SessionInfo>(m_reader.info())),
      m_builder(std::make_unique<analysis::SnapshotBuilder>(m_info)), m_checkpointEvery(kFirstInterval),
      m_inode(inodeOf(path)) {
    refresh();
}

bool SessionCursor::refresh() {
    const bool was = m_info->finished();
    const bool ended = m_reader.refresh() && !was;
    if (ended)
        m_info = std::make_shared<const session::SessionInfo>(m_reader.info());
    const bool news = ended || m_reader.lastSeq() != m_lastKnown;
    m_lastKnown = m_reader.lastSeq();
    return news;
}

bool SessionCursor::sameFileOnDisk() const {
    return inodeOf(m_path) == m_inode;
}

bool SessionCursor::fileExists() const {
    return QFileInfo::exists(m_path);
}

trace::TimeNs SessionCursor::now() const {
    return m_builder->snapshot()->now;
}

void SessionCursor::retreat(std::int64_t target) {
    if (target >= m_seq)
        return;
    auto after = m_checkpoints.upper_bound(target);
    if (after == m_checkpoints.begin()) {
        m_builder = std::make_unique<analysis::SnapshotBuilder>(m_info);
        m_seq = 0;
        return;
    }
    --after;
    m_builder = after->second->fork();
    m_seq = after->first;
}

void SessionCursor::keepCheckpoint() {
    const std::int64_t newest = m_checkpoints.empty() ? 0 : m_checkpoints.rbegin()->first;
    if (m_seq < newest + m_checkpointEvery)
        return;
    m_checkpoints.emplace(m_seq, m_builder->fork());
    if (m_checkpoints.size() <= kMostCheckpoints)
        return;
    // The session outgrew them: every other one goes, and they come half as often.
    bool keep = false;
    std::erase_if(m_checkpoints, [&keep](const auto&) { return keep = !keep; });
    m_checkpointEvery *= 2;
}

bool SessionCursor::advance(std::int64_t target, std::chrono::milliseconds budget) {
    const auto deadline = std::chrono::steady_clock::now() + budget;
    target = std::min(target, m_reader.lastSeq());
    while (m_seq < target) {
        const std::int64_t last = std::min(target, m_seq + kChunk);
        m_builder->add(m_reader.read(m_seq + 1, last));
        m_seq = last;
        keepCheckpoint();
        if (std::chrono::steady_clock::now() >= deadline)
            break;
    }
    return m_seq >= target;
}

std::int64_t SessionCursor::seqAfterTokens(int count) {
    return count >= 0 ? seqOfTokenAhead(count) : seqOfTokenBehind(-count);
}

std::int64_t SessionCursor::seqOfTokenAhead(int count) {
    std::int64_t at = m_seq;
    while (count > 0 && at < m_reader.lastSeq()) {
        const std::int64_t last = std::min(m_reader.lastSeq(), at + kTokenChunk);
        for (const session::Record& record : m_reader.readTokens(at + 1, last).records) {
            if (--count == 0)
                return record.seq;
        }
        at = last;
    }
    return at;
}

std::int64_t SessionCursor::seqOfTokenBehind(int count) {
    std::int64_t end = m_seq; // exclusive: the cursor often stands on a token
    while (end > 1) {
        const std::int64_t first = std::max<std::int64_t>(1, end - kTokenChunk);
        const session::Batch batch = m_reader.readTokens(first, end - 1);
        for (auto record = batch.records.rbegin(); record != batch.records.rend(); ++record) {
            if (--count == 0)
                return record->seq;
        }
        end = first;
    }
    return 0;
}

analysis::SnapshotPtr SessionCursor::snapshot(bool withOptimum) {
    m_builder->refreshFigures(withOptimum);
    auto copy = std::make_shared<analysis::Snapshot>(*m_builder->snapshot());
    copy->info = m_info;
    copy->file = m_path.toStdString();
    copy->live = !m_info->finished();
    copy->atEnd = m_seq >= m_reader.lastSeq();
    // A commit comes a little after the last event in it: at the end, the end is where the cursor stands.
    copy->sessionEnd = copy->atEnd ? copy->now : std::max(copy->now, m_reader.lastTime());
    return copy;
}

TimelineWindow SessionCursor::timeline(trace::TimeNs begin, trace::TimeNs end, int pixels) {
    TimelineWindow window;
    window.file = m_path;
    window.begin = begin;
    window.end = std::max(begin + 1, end);
    window.resolutionNs = std::max<trace::TimeNs>(1, (window.end - begin) / std::max(1, pixels));
    for (int lane = 0; lane < static_cast<int>(session::kLanes); ++lane) {
        const session::LaneQuery query{static_cast<session::Lane>(lane), window.begin, window.end, window.resolutionNs};
        window.lanes.push_back({query.lane, m_reader.lane(query)});
    }
    const int buckets = std::clamp(pixels / 3, 1, 400);
    window.link = m_reader.linkBytes(window.begin, window.end, buckets);
    // Counters see all that crosses, copies what was asked for; either is nearer to the truth than the engine's own clock.
    const analysis::DeviceTraffic& device = m_builder->snapshot()->device;
    if (device.copies > 0 || device.counters.readings > 0) {
        window.measuredBy =
            device.counters.readings > 0 ? TimelineWindow::LinkSource::Counters : TimelineWindow::LinkSource::Copies;
        window.measured = m_reader.linkBytes(window.begin, window.end, buckets, window.measuredBy);
    }
    return window;
}

std::optional<trace::Event> SessionCursor::event(std::int64_t seq) {
    if (seq < 1 || seq > lastSeq())
        return std::nullopt;
    const session::Batch batch = m_reader.read(seq, seq);
    return batch.records.empty() ? std::nullopt : std::optional(batch.records.front().event);
}

} // namespace moescope::ui

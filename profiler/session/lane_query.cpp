#include "profiler/session/lane_query.h"

#include "profiler/session/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope::session {
namespace {

constexpr std::int64_t kMostBuckets = std::int64_t{1} << 40;
// Events read at a time when a lane is read from its events.
constexpr std::int64_t kReadAtOnce = 1 << 18;

bool overlaps(const LodRow& row, const LaneQuery& query) {
    return row.end >= query.begin && row.begin <= query.end;
}

LodRow rowOf(const LaneItem& item) {
    const trace::TimeNs ns = item.end - item.begin;
    return {0, item.begin, item.end, item.busy(), ns, 1, item.colourKey, item.bytes, item.seq, item.firstSeq, item.seq};
}

bool within(std::int64_t value, std::int64_t most) {
    return value >= -most && value <= most;
}

} // namespace

void PrefetchFates::readOn(OpenSession& session) {
    Statement& select = *session.resolved;
    select.reset();
    select.bind(0, m_seq);
    while (select.step()) {
        m_seq = select.integer(0);
        m_used.insert_or_assign(static_cast<std::int32_t>(select.integer(1)), select.integer(2) != 0);
    }
    select.reset();
}

std::int32_t PrefetchFates::colour(std::int32_t transfer, std::int32_t undecided) const {
    const auto fate = m_used.find(transfer);
    if (fate == m_used.end())
        return undecided;
    return static_cast<std::int32_t>(fate->second ? CopyColour::PrefetchUsed : CopyColour::PrefetchWasted);
}

LaneScan::LaneScan(OpenSession& session, PrefetchFates& fates, std::int64_t lastSeq, std::int64_t fileBytes)
    : m_session(session), m_fates(fates), m_lastSeq(lastSeq), m_fileBytes(fileBytes) {}

LaneScan::Roots LaneScan::roots(Lane lane) {
    Roots found;
    Statement& select = *m_session.lodLast;
    for (int level = 1; level <= kLodLevels; ++level) {
        select.reset();
        select.bind(0, lodId(lane, level, 0));
        select.bind(1, lodId(lane, level, kMostBuckets - 1));
        if (!select.step())
            break;
        found.last.push_back(select.integer(0) & (kMostBuckets - 1));
        if (level == 1)
            found.lastSeq = select.integer(1);
    }
    select.reset();
    return found;
}

std::int64_t LaneScan::tailBegin(Lane lane, const Roots& roots) {
    std::int64_t begin = roots.lastSeq;
    // A keyframe flushes all lanes, so a lane with few events need not be searched from its last row on. Not so for the lanes
    // of stages: a layer's bar may begin before the keyframe and end after it.
    if (lane >= Lane::CopyDemand) {
        Statement& keyframe = *m_session.keyframe;
        keyframe.reset();
        keyframe.bind(0, m_lastSeq);
        if (keyframe.step())
            begin = std::max(begin, keyframe.integer(0));
        keyframe.reset();
    }
    return std::clamp<std::int64_t>(begin, 0, m_lastSeq) + 1;
}

std::vector<LodRow> LaneScan::select(Lane lane, int level, std::int64_t first, std::int64_t last) {
    std::vector<LodRow> rows;
    if (first >= kMostBuckets)
        return rows;
    Statement& range = *m_session.lodRange;
    range.reset();
    range.bind(0, lodId(lane, level, first));
    range.bind(1, lodId(lane, level, std::min(last, kMostBuckets - 1)));
    while (range.step()) {
        LodRow row;
        row.id = range.integer(0);
        row.begin = range.integer(1);
        const std::int64_t duration = range.integer(2);
        row.busyNs = range.integer(3);
        row.longestNs = range.integer(4);
        row.count = range.integer(5);
        const std::int64_t colour = range.integer(6);
        row.bytes = range.integer(7);
        row.seq = range.integer(8);
        row.firstSeq = range.integer(9);
        row.lastSeq = range.integer(10);
        if (!within(row.begin, kMaxTimeNs) || !within(duration, kMaxTimeNs) || !within(row.busyNs, kMaxTimeNs) ||
            !within(row.longestNs, kMaxTimeNs) || row.count < 1 || row.count > m_lastSeq || colour < -1 ||
            colour > kMaxExperts || !within(row.bytes, kMaxTimeNs))
            throw StoreError(fmt::format("{}: the session is damaged: level-of-detail row {} holds impossible values.",
                                         m_session.connection->name(), row.id));
        row.end = row.begin + duration;
        row.colourKey = static_cast<std::int32_t>(colour);
        rows.push_back(row);
    }
    range.reset();
    return rows;
}

bool LaneScan::whole(const LodRow& row) const {
    if (row.end - row.begin <= m_query.resolutionNs)
        return true;
    if (m_partNs <= 0 || row.begin < m_query.begin || row.end >= m_query.end)
        return false;
    const auto part = [this](trace::TimeNs at) { return std::floor(static_cast<double>(at - m_query.begin) / m_partNs); };
    return part(row.begin) == part(row.end);
}

void LaneScan::visit(int level, std::int64_t first, std::int64_t last, std::int64_t lastSeq) {
    for (const LodRow& row : select(m_query.lane, level, first, last)) {
        // Under an unfinished row there may be newer ones already; those come from the events.
        if (!overlaps(row, m_query) || row.lastSeq > lastSeq)
            continue;
        const std::int64_t bucket = row.id & (kMostBuckets - 1);
        if (level == 0 || whole(row))
            m_found.push_back(row);
        else if (level == 1 && m_query.lane != Lane::Tokens)
            addSegment(row);
        else
            visit(level - 1, bucket * kLodFanOut, bucket * kLodFanOut + kLodFanOut - 1, row.lastSeq);
    }
}

void LaneScan::addSegment(const LodRow& row) {
    if (!m_segments.empty()) {
        Segment& before = m_segments.back();
        // Neighbours are read in one go, unless something else lies between them.
        if (row.id == before.lastId + 1 && row.lastSeq > before.lastSeq && row.lastSeq - before.firstSeq < kReadAtOnce) {
            before.lastId = row.id;
            before.lastSeq = row.lastSeq;
            before.count += row.count;
            return;
        }
    }
    m_segments.push_back({row.firstSeq, row.lastSeq, row.count, row.id});
}

void LaneScan::readSegment(const Segment& segment) {
    const bool prefetch = m_query.lane == Lane::CopyPrefetch;
    if (prefetch)
        m_fates.readOn(m_session);
    const std::int64_t first = std::max<std::int64_t>(segment.firstSeq, 1);
    const std::int64_t last = std::min(segment.lastSeq, m_lastSeq);
    std::vector<LodRow> rows;
    LaneItems items;
    for (std::int64_t from = first; from <= last; from += kReadAtOnce) {
        Batch batch;
        m_session.events->readLane(m_query.lane, from, std::min(last, from + kReadAtOnce - 1), m_fileBytes, batch);
        for (const Record& record : batch.records)
            for (const LaneItem& item : items.add(record)) {
                if (item.lane != m_query.lane)
                    continue;
                rows.push_back(rowOf(item));
                if (prefetch && item.colourKey == static_cast<std::int32_t>(CopyColour::PrefetchUndecided))
                    rows.back().colourKey = m_fates.colour(item.transfer, item.colourKey);
            }
    }
    const std::size_t keep = segment.count < 0 ? rows.size() : std::min(rows.size(), static_cast<std::size_t>(segment.count));
    std::copy_if(rows.end() - static_cast<std::ptrdiff_t>(keep), rows.end(), std::back_inserter(m_found),
                 [this](const LodRow& row) { return overlaps(row, m_query); });
}

void LaneScan::mergeClose() {
    std::stable_sort(m_found.begin(), m_found.end(), [](const LodRow& a, const LodRow& b) { return a.begin < b.begin; });
    std::size_t kept = 0;
    for (const LodRow& row : m_found) {
        LodRow* run = kept > 0 ? &m_found[kept - 1] : nullptr;
        const trace::TimeNs end = run ? std::max(run->end, row.end) : row.end;
        if (!run || end - run->begin > m_query.resolutionNs) {
            m_found[kept++] = row;
            continue;
        }
        run->end = end;
        run->busyNs += row.busyNs;
        run->count += row.count;
        run->bytes += row.bytes;
        if (row.longestNs > run->longestNs) {
            run->longestNs = row.longestNs;
            run->colourKey = row.colourKey;
            run->seq = row.seq;
        }
    }
    m_found.resize(kept);
}

std::vector<LodRow> LaneScan::rows(const LaneQuery& query) {
    m_partNs = 0;
    collect(query);
    mergeClose();
    return std::move(m_found);
}

std::vector<LodRow> LaneScan::rowsByPart(const LaneQuery& query, int parts) {
    m_partNs = static_cast<double>(query.end - query.begin) / parts;
    collect(query);
    return std::move(m_found);
}

void LaneScan::collect(const LaneQuery& query) {
    m_query = query;
    m_segments.clear();
    m_found.clear();
    const Roots root = roots(query.lane);
    std::int64_t covered = 0; // buckets of the present level that lie under rows of a higher one
    for (int level = static_cast<int>(root.last.size()); level >= 1; --level) {
        const std::int64_t last = root.last[static_cast<std::size_t>(level - 1)];
        if (covered <= last)
            visit(level, covered, last, m_lastSeq);
        covered = std::max(covered, last + 1);
        if (level > 1)
            covered = std::min(covered * kLodFanOut, kMostBuckets);
    }
    if (const std::int64_t begin = tailBegin(query.lane, root); begin <= m_lastSeq)
        m_segments.push_back({begin, m_lastSeq, -1, 0});
    for (const Segment& segment : m_segments)
        readSegment(segment);
}

} // namespace moescope::session

#pragma once
#include "profiler/session/lod_builder.h"
#include "profiler/session/open_session.h"
#include "profiler/session/session_reader.h"

#include <unordered_map>
#include <vector>

namespace moescope::session {

/// What became of each prefetch, read from prefetch_resolved as far as it has been committed. Owned by a SessionReader.
class PrefetchFates {
public:
    void readOn(OpenSession& session);
    /// Recolours a bar that shows an undecided prefetch.
    std::int32_t colour(std::int32_t transfer, std::int32_t undecided) const;
    void forget() { *this = {}; }

private:
    std::unordered_map<std::int32_t, bool> m_used;
    std::int64_t m_seq = 0;
};

/// Answers timeline questions from level-of-detail rows, and from the events where the rows are too coarse. Descends from the
/// coarsest rows to those that are shorter than the resolution, so that an answer costs about as much as it has bars.
class LaneScan {
public:
    /// Bounds of what may be read: the last committed event, and the file's size.
    LaneScan(OpenSession& session, PrefetchFates& fates, std::int64_t lastSeq, std::int64_t fileBytes);

    /// Rows that overlap the query's window, by begin; runs of bars that fit into the resolution come as one.
    std::vector<LodRow> rows(const LaneQuery& query);

    /// The same for sums over equal parts of the window: rows that lie within one part are not looked into.
    std::vector<LodRow> rowsByPart(const LaneQuery& query, int parts);

private:
    struct Segment {
        std::int64_t firstSeq = 0;
        std::int64_t lastSeq = 0;
        std::int64_t count = 0;  ///< bars in it: the last ones found; negative: all
        std::int64_t lastId = 0; ///< of the last level-of-detail row in it
    };
    struct Roots {
        std::vector<std::int64_t> last; ///< [level-1]: greatest bucket
        std::int64_t lastSeq = 0;       ///< of the last level-1 row
    };

    void collect(const LaneQuery& query);
    bool whole(const LodRow& row) const;
    Roots roots(Lane lane);
    std::int64_t tailBegin(Lane lane, const Roots& roots);
    std::vector<LodRow> select(Lane lane, int level, std::int64_t first, std::int64_t last);
    void visit(int level, std::int64_t first, std::int64_t last, std::int64_t lastSeq);
    void addSegment(const LodRow& row);
    void readSegment(const Segment& segment);
    void mergeClose();

    OpenSession& m_session;
    PrefetchFates& m_fates;
    std::int64_t m_lastSeq;
    std::int64_t m_fileBytes;
    LaneQuery m_query;
    double m_partNs = 0; // 0: no parts
    std::vector<Segment> m_segments;
    std::vector<LodRow> m_found;
};

} // namespace moescope::session

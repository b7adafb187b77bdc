#include "profiler/session/session_check.h"

#include "profiler/session/overview_builder.h"

#include <fmt/format.h>

#include <limits>
#include <map>
#include <sstream>

namespace moescope::session {
namespace {

constexpr std::size_t kEnough = 20;

class Check {
public:
    Check(OpenSession& session, std::int64_t fileBytes)
        : m_session(session), m_fileBytes(fileBytes), m_overview(session.info.model.layers, session.info.model.experts) {}

    std::vector<std::string> run() {
        sqlite();
        if (m_complaints.empty())
            batches();
        if (m_complaints.empty()) {
            strayEvents();
            levelOfDetail();
            keyframes();
        }
        return std::move(m_complaints);
    }

private:
    void complain(std::string sentence) {
        if (m_complaints.size() < kEnough)
            m_complaints.push_back(std::move(sentence));
    }

    void sqlite() {
        Statement check(*m_session.connection, "PRAGMA integrity_check(20)");
        while (check.step()) {
            std::istringstream report{std::string(check.text(0))};
            for (std::string line; std::getline(report, line);)
                if (line != "ok" && !line.starts_with("***"))
                    complain(fmt::format("SQLite reports: {}.", line));
        }
    }

    void batches() {
        Statement select(*m_session.connection, "SELECT number, first_seq, last_seq, committed_ns FROM batch ORDER BY number");
        std::int64_t number = 0;
        trace::TimeNs committed = 0;
        while (select.step()) {
            ++number;
            const std::int64_t first = select.integer(1);
            const std::int64_t last = select.integer(2);
            if (select.integer(0) != number || first != m_lastSeq + 1 || last < first || last - first > m_fileBytes / 8) {
                complain(fmt::format("Batch {} does not continue the one before it.", select.integer(0)));
                return;
            }
            if (number > 1 && select.integer(3) < committed)
                complain(fmt::format("Batch {} was committed before the one before it.", number));
            committed = select.integer(3);
            events(first, last);
        }
        if (m_session.info.finished()) {
            foldPending();
            m_overview.finish();
        }
        store();
    }

    // In an unfinished session the last batch is not yet in the rows: they are stored with the batch that follows.
    void events(std::int64_t first, std::int64_t last) {
        foldPending();
        store();
        m_pending = {};
        m_session.events->readAll(first, last, m_fileBytes, m_pending);
        m_lastSeq = last;
    }
    void foldPending() {
        for (const Record& record : m_pending.records)
            m_overview.add(record);
        m_pending = {};
    }
    void store() {
        for (const LodRow& row : m_overview.rows())
            m_rows.insert_or_assign(row.id, row);
        for (const Keyframe& frame : m_overview.keyframes())
            m_frames.insert_or_assign(frame.seq, frame);
        m_overview.clear();
    }

    void strayEvents() {
        Batch stray;
        EventKinds all;
        all.set();
        m_session.events->readSome(all, m_lastSeq + 1, std::numeric_limits<std::int64_t>::max(), m_fileBytes, stray);
        if (!stray.records.empty())
            complain(fmt::format("Event {} belongs to no batch.", stray.records.front().seq));
    }

    void levelOfDetail() {
        Statement& select = *m_session.lodRange;
        select.reset();
        select.bind(0, std::numeric_limits<std::int64_t>::min());
        select.bind(1, std::numeric_limits<std::int64_t>::max());
        while (select.step()) {
            const std::int64_t begin = select.integer(1);
            const std::int64_t duration = select.integer(2);
            const auto expected = m_rows.find(select.integer(0));
            const bool same = expected != m_rows.end() && expected->second.begin == begin &&
                              expected->second.end - expected->second.begin == duration &&
                              expected->second.busyNs == select.integer(3) && expected->second.longestNs == select.integer(4) &&
                              expected->second.count == select.integer(5) && expected->second.colourKey == select.integer(6) &&
                              expected->second.bytes == select.integer(7) && expected->second.seq == select.integer(8) &&
                              expected->second.firstSeq == select.integer(9) && expected->second.lastSeq == select.integer(10);
            if (!same)
                complain(fmt::format("Level-of-detail row {} is not what its events give.", select.integer(0)));
            if (expected != m_rows.end())
                m_rows.erase(expected);
        }
        select.reset();
        if (!m_rows.empty())
            complain(
                fmt::format("{} level-of-detail rows are missing, the first is {}.", m_rows.size(), m_rows.begin()->first));
    }

    void keyframes() {
        Statement select(*m_session.connection, "SELECT seq, time_ns, grid FROM residency_keyframe ORDER BY seq");
        while (select.step()) {
            const auto grid = select.bytes(2);
            const Keyframe found{select.integer(0), select.integer(1), {grid.begin(), grid.end()}};
            const auto expected = m_frames.find(found.seq);
            if (expected == m_frames.end() || !(expected->second == found))
                complain(fmt::format("The cache's keyframe at event {} is not what its events give.", found.seq));
            if (expected != m_frames.end())
                m_frames.erase(expected);
        }
        if (!m_frames.empty())
            complain(fmt::format("The cache's keyframe at event {} is missing.", m_frames.begin()->first));
    }

    OpenSession& m_session;
    std::int64_t m_fileBytes;
    OverviewBuilder m_overview;
    Batch m_pending;
    std::map<std::int64_t, LodRow> m_rows;
    std::map<std::int64_t, Keyframe> m_frames;
    std::int64_t m_lastSeq = 0;
    std::vector<std::string> m_complaints;
};

} // namespace

std::vector<std::string> checkSession(OpenSession& session, std::int64_t fileBytes) {
    try {
        return Check(session, fileBytes).run();
    } catch (const StoreError& error) {
        return {error.what()};
    }
}

} // namespace moescope::session

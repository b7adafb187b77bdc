#include "profiler/session/session_reader.h"
#include "profiler/session/session_writer.h"
#include "tests/support/session_exercise.h"
#include "tests/support/session_fixture.h"

#include <sqlite3.h>

#include <chrono>
#include <fstream>
#include <random>

namespace moescope::session {
namespace {

class HostileFile : public test::SessionFolder {
protected:
    void writeSound(std::size_t events = 600) const {
        test::SyntheticRun run({4, 8, 2, 5, true});
        SessionWriter writer(file(), run.info());
        std::int64_t seq = 1;
        for (int number = 1; number <= 3; ++number) {
            const Batch batch = run.batch(number, seq, events / 3);
            seq = batch.records.back().seq + 1;
            writer.write(batch);
        }
        writer.finish(run.now(), 0);
    }
    void change(const std::string& sql) const {
        sqlite3* db = nullptr;
        ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
        char* problem = nullptr;
        EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &problem), SQLITE_OK) << problem << " in " << sql;
        sqlite3_close(db);
    }
    std::string bytes() const {
        std::ifstream in(file(), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void put(const std::string& bytes) const { std::ofstream(file(), std::ios::binary) << bytes; }
    /// The sentence with which opening or reading everything ends; empty if nothing was wrong.
    std::string complaint() const { return test::exerciseSession(file()); }
    static void expectSentence(const std::string& text) {
        EXPECT_EQ(text.find("run.moescope"), 0u) << "\"" << text << "\" does not begin with the file's name";
        EXPECT_EQ(text.back(), '.') << text;
        EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    }
};

TEST_F(HostileFile, soundOnesAreNotComplainedAbout) {
    writeSound();
    EXPECT_EQ(complaint(), "");
}

TEST_F(HostileFile, aNewerFormatIsRefusedByName) {
    writeSound();
    change("PRAGMA user_version = 7");
    EXPECT_EQ(complaint(), "run.moescope: it was written by a newer Moescope (session format 7, this program reads up to 3).");
    change("PRAGMA user_version = 0");
    EXPECT_EQ(complaint(), "run.moescope: its session format 0 is unknown.");
}

TEST_F(HostileFile, otherFilesAreNamedForWhatTheyAreNot) {
    EXPECT_NE(complaint().find("there is no such file."), std::string::npos);
    put("");
    EXPECT_EQ(complaint(), "run.moescope: this is not a Moescope session.");
    put("Once upon a time there was no database.");
    EXPECT_EQ(complaint(), "run.moescope: this is not a Moescope session.");
    put(std::string(100'000, '\0'));
    EXPECT_EQ(complaint(), "run.moescope: this is not a Moescope session.");
    std::filesystem::remove(file());
    change("CREATE TABLE photo(id INTEGER PRIMARY KEY)");
    EXPECT_EQ(complaint(), "run.moescope: this is not a Moescope session.");
    std::filesystem::remove(file());
    std::filesystem::create_directory(file());
    EXPECT_NE(complaint().find("this is not a file."), std::string::npos);
}

TEST_F(HostileFile, tablesMustBeTables) {
    writeSound();
    change(
        "ALTER TABLE expert_hit RENAME TO was; CREATE VIEW expert_hit AS WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT "
        "seq + 1 FROM n) SELECT seq, 1 AS time_ns, 1 AS token, 1 AS layer, 1 AS expert FROM n");
    EXPECT_EQ(complaint(), "run.moescope: its table expert_hit is not the one of session format 3.");
}

TEST_F(HostileFile, impossibleValuesAreRefused) {
    const struct {
        const char* change;
        const char* complaint;
    } cases[] = {
        {"UPDATE experts_chosen SET kept = 200 WHERE seq > 100", "impossible"},
        {"UPDATE experts_chosen SET candidates = 40 WHERE seq > 100", "impossible"},
        {"UPDATE experts_chosen SET experts = 65000 WHERE seq > 100", "impossible"},
        {"UPDATE experts_chosen SET phase = 2 WHERE seq > 100", "impossible phase"},
        {"UPDATE experts_chosen SET routing = x'00' WHERE seq > 100", "impossible routing"},
        {"UPDATE experts_chosen SET routing = zeroblob(length(routing) - 2)", "impossible routing"},
        {"UPDATE experts_chosen SET routing = CAST(x'ffff' || substr(routing, 3) AS BLOB) WHERE seq > 100",
         "impossible routing"},
        {"UPDATE expert_hit SET layer = 4 WHERE seq > 100", "impossible layer"},
        {"UPDATE expert_hit SET expert = 8 WHERE seq > 100", "impossible expert"},
        {"UPDATE expert_hit SET expert = -2 WHERE seq > 100", "impossible expert"},
        {"UPDATE expert_hit SET time_ns = 9223372036854775807 WHERE seq > 100", "impossible time_ns"},
        {"UPDATE stage_span SET stage = 7 WHERE seq > 100", "impossible stage"},
        {"UPDATE stage_span SET duration_ns = 9223372036854775807 WHERE seq > 100", "impossible duration_ns"},
        {"UPDATE stage_span SET tokens = 5000000000 WHERE seq > 100", "impossible tokens"},
        {"UPDATE transfer_span SET cause = -1", "impossible cause"},
        {"UPDATE transfer_span SET queue_wait_ns = -9223372036854775807", "impossible queue_wait_ns"},
        {"UPDATE token_emitted SET token = 2000000000", "impossible token"},
        {"UPDATE session_info SET value = '1000000' WHERE name = 'model.layers'", "beyond what a session can hold"},
        {"UPDATE session_info SET value = '-4' WHERE name = 'model.experts'", "beyond what a session can hold"},
        {"UPDATE session_info SET value = 'many' WHERE name = 'model.experts'",
         "\"many\" cannot be the session's model.experts"},
        {"UPDATE session_info SET value = 'dreamt' WHERE name = 'origin'", "\"dreamt\" cannot be"},
        {"UPDATE session_info SET value = '1,-2,3,4' WHERE name = 'sensitivity'", "cannot be the session's sensitivity"},
        {"UPDATE session_info SET value = '1,2,' WHERE name = 'sensitivity'", "cannot be the session's sensitivity"},
        {"UPDATE session_info SET value = '1,nan' WHERE name = 'sensitivity'", "cannot be the session's sensitivity"},
        {"UPDATE session_info SET value = '1,2,3' WHERE name = 'sensitivity'", "3 sensitivities for 4 layers"},
        {"DELETE FROM session_info WHERE name = 'id'", "does not say its id"},
        {"DELETE FROM expert_hit WHERE seq > 100", "is missing"},
        {"INSERT INTO events_lost SELECT seq, 1, 1 FROM expert_hit LIMIT 1", "number of another event"},
        {"INSERT INTO events_lost VALUES (100000, 1, 1)", "belongs to no batch"},
        {"UPDATE batch SET last_seq = 4611686018427387904 WHERE number = 3", "batch cannot be"},
        {"UPDATE batch SET last_seq = 4611686018427387904 WHERE number = 2", "batch 2 cannot be"},
        {"UPDATE batch SET first_seq = -5 WHERE number = 2", "batch 2 cannot be"},
        {"UPDATE batch SET number = 4611686018427387904 WHERE number = 3", "batch cannot be"},
        {"UPDATE batch SET committed_ns = -9223372036854775807 - 1 WHERE number = 3", "batch cannot be"},
        {"DELETE FROM batch WHERE number = 2", "does not continue"},
        {"UPDATE lod_bar SET begin_ns = 9223372036854775807", "impossible values"},
        {"UPDATE lod_bar SET busy_ns = busy_ns + 1", "is not what its events give"},
        {"UPDATE lod_bar SET count = 0", "impossible values"},
        {"DELETE FROM lod_bar WHERE level = 1 AND lane = 2", "are missing"},
        {"UPDATE lod_bar SET first_seq = -9223372036854775807, last_seq = 9223372036854775807", "is not what its events give"},
        {"INSERT INTO residency_keyframe VALUES (50, 1, x'00')", "keyframe at event 50 cannot be"},
        {"INSERT INTO residency_keyframe VALUES (50, 1, zeroblob(8))", "is not what its events give"},
    };
    writeSound();
    const std::string sound = bytes();
    for (const auto& one : cases) {
        put(sound);
        change(one.change);
        const std::string text = complaint();
        EXPECT_NE(text.find(one.complaint), std::string::npos) << one.change << "\ngave: " << text;
        expectSentence(text);
    }
}

TEST_F(HostileFile, aTruncatedFileNeverBreaksTheReader) {
    writeSound();
    const std::string sound = bytes();
    for (std::size_t size = 0; size < sound.size(); size += size < 2000 ? 97 : 2039) {
        put(sound.substr(0, size));
        expectSentence(complaint());
    }
}

TEST_F(HostileFile, aDamagedFileNeverBreaksTheReader) {
    writeSound();
    const std::string sound = bytes();
    std::mt19937_64 random(3);
    int noticed = 0;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(8);
    int round = 0;
    for (; round < 250 && std::chrono::steady_clock::now() < until; ++round) {
        std::string bad = sound;
        // Page headers and the first page are where a byte matters most.
        const std::size_t pages = bad.size() / 4096;
        for (std::uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
            const std::size_t page = random() % pages * 4096;
            const std::size_t at = page + (random() % 2 ? random() % 64 : random() % 4096);
            bad[at] = static_cast<char>(random());
        }
        put(bad);
        const std::string text = complaint();
        noticed += text.empty() ? 0 : 1;
        if (!text.empty())
            expectSentence(text);
    }
    EXPECT_GT(noticed, round / 4);
}

} // namespace
} // namespace moescope::session

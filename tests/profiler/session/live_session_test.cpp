#include "profiler/session/session_reader.h"
#include "profiler/session/session_writer.h"
#include "tests/support/session_fixture.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <thread>

namespace moescope::session {
namespace {

using namespace std::chrono_literals;
using test::texts;

class LiveSession : public test::SessionFolder {
protected:
    /// Runs work in a process of its own, which ends with what it returns.
    static pid_t inChild(const std::function<int()>& work) {
        const pid_t child = fork();
        if (child != 0)
            return child;
        int result = 99;
        try {
            result = work();
        } catch (const std::exception& error) {
            std::fprintf(stderr, "child: %s\n", error.what());
        }
        _exit(result);
    }
    static int resultOf(pid_t child) {
        int status = 0;
        waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    void writeAll(int batches) const {
        test::SyntheticRun run({});
        SessionWriter writer(file(), run.info());
        std::int64_t seq = 1;
        for (int number = 1; number <= batches; ++number) {
            const Batch batch = run.batch(number, seq, 300);
            seq = batch.records.back().seq + 1;
            writer.write(batch);
        }
        writer.finish(run.now(), 0);
    }
    std::map<std::string, std::pair<std::string, std::filesystem::file_time_type>> contents() const {
        std::map<std::string, std::pair<std::string, std::filesystem::file_time_type>> all;
        for (const auto& entry : std::filesystem::directory_iterator(folder())) {
            std::ifstream in(entry.path(), std::ios::binary);
            all[entry.path().filename()] = {std::string(std::istreambuf_iterator<char>(in), {}), entry.last_write_time()};
        }
        return all;
    }
    static int readEverything(const std::filesystem::path& path) {
        SessionReader reader(path);
        int batches = 0;
        while (reader.next())
            ++batches;
        reader.refresh();
        reader.lane({Lane::Stages, 0, reader.lastTime(), reader.lastTime() / 100});
        reader.residencyAt(reader.lastSeq());
        return reader.verify().empty() ? batches : -1;
    }
};

TEST_F(LiveSession, followingGivesTheBatchesOfTheFinishedFile) {
    constexpr int kBatches = 120;
    // The writer waits for a word from here before each batch, so that the reader is sure to meet the file as it grows.
    int word[2];
    ASSERT_EQ(pipe(word), 0);
    const pid_t child = inChild([&] {
        test::SyntheticRun run({});
        SessionWriter writer(file(), run.info());
        std::int64_t seq = 1;
        for (int number = 1; number <= kBatches; ++number) {
            char go = 0;
            if (read(word[0], &go, 1) != 1)
                return 1;
            const Batch batch = run.batch(number, seq, 300);
            seq = batch.records.back().seq + 1;
            writer.write(batch);
        }
        writer.finish(run.now(), 0);
        return 0;
    });
    const auto say = [&word] { return write(word[1], "g", 1) == 1; };
    std::unique_ptr<SessionReader> reader;
    while (!reader) {
        // Its first milliseconds belong to the writer: the tables are not there yet.
        try {
            reader = std::make_unique<SessionReader>(file());
        } catch (const std::runtime_error&) {
            std::this_thread::sleep_for(1ms);
        }
    }
    std::vector<std::vector<std::string>> live;
    std::size_t said = 0;
    const auto until = std::chrono::steady_clock::now() + 60s;
    for (bool finished = false; !finished && std::chrono::steady_clock::now() < until;) {
        if (said == live.size() && said < kBatches)
            said += say() ? 1 : 0;
        finished = reader->refresh();
        while (auto batch = reader->next())
            live.push_back(texts(*batch));
        ASSERT_LE(live.size(), said);
        EXPECT_FALSE(finished && live.size() < kBatches);
        std::this_thread::sleep_for(500us);
    }
    EXPECT_EQ(resultOf(child), 0);
    close(word[0]);
    close(word[1]);
    EXPECT_TRUE(reader->info().finished());
    EXPECT_FALSE(reader->next());
    reader.reset();
    SessionReader after(file());
    std::vector<std::vector<std::string>> replay;
    while (auto batch = after.next())
        replay.push_back(texts(*batch));
    EXPECT_EQ(live.size(), static_cast<std::size_t>(kBatches));
    EXPECT_EQ(live, replay);
    EXPECT_FALSE(std::filesystem::exists(file().string() + "-wal")) << "the reader let the writer leave WAL mode";
    EXPECT_FALSE(std::filesystem::exists(file().string() + "-shm"));
}

TEST_F(LiveSession, aReaderThatNeverLetsGoCostsOnlyPatience) {
    test::SyntheticRun run({});
    SessionWriter writer(file(), run.info());
    writer.write(run.batch(1, 1, 300));
    SessionReader stubborn(file());
    writer.finish(run.now(), 0);
    EXPECT_FALSE(stubborn.info().finished());
    EXPECT_TRUE(stubborn.next());
    EXPECT_EQ(readEverything(file()), 1);
    EXPECT_TRUE(stubborn.refresh());
    EXPECT_EQ(stubborn.lastSeq(), SessionReader(file()).lastSeq());
}

TEST_F(LiveSession, openingAFinishedFileNeverWrites) {
    writeAll(5);
    const auto before = contents();
    ASSERT_EQ(before.size(), 1u) << "one plain file";
    EXPECT_EQ(readEverything(file()), 5);
    EXPECT_EQ(contents(), before);
}

TEST_F(LiveSession, opensInAFolderWhereNothingMayBeWritten) {
    if (geteuid() != 0)
        GTEST_SKIP() << "needs root, to become somebody else";
    writeAll(5);
    const std::filesystem::path killed = file("killed.moescope");
    // A run that was cut off: file and WAL, first with and then without the -shm that a crash of the machine would take.
    {
        test::SyntheticRun run({});
        SessionWriter writer(killed, run.info());
        writer.write(run.batch(1, 1, 300));
        writer.write(run.batch(2, 1 + SessionReader(killed).lastSeq(), 300));
        for (const char* suffix : {"", "-wal"})
            std::filesystem::copy_file(killed.string() + suffix, file("bare.moescope").string() + suffix);
    }
    for (const auto& entry : std::filesystem::directory_iterator(folder()))
        std::filesystem::permissions(entry.path(), std::filesystem::perms(0444));
    std::filesystem::permissions(folder(), std::filesystem::perms(0555));
    const auto before = contents();
    EXPECT_EQ(resultOf(inChild([this] {
                  if (setuid(65534) != 0)
                      return 98;
                  EXPECT_FALSE(std::ofstream(file("probe")).good());
                  return readEverything(file()) == 5 && readEverything(file("bare.moescope")) == 2 ? 0 : 1;
              })),
              0);
    EXPECT_EQ(contents(), before);
    std::filesystem::permissions(folder(), std::filesystem::perms(0755));
}

TEST_F(LiveSession, aKilledRunOpensUpToItsLastCommit) {
    constexpr int kRounds = 15;
    std::mt19937 random(11);
    int interrupted = 0;
    for (int round = 0; round < kRounds; ++round) {
        for (const char* suffix : {"", "-wal", "-shm", "-journal"})
            std::filesystem::remove(file().string() + suffix);
        int told[2];
        ASSERT_EQ(pipe(told), 0);
        const pid_t child = inChild([&] {
            test::SyntheticRun run({});
            SessionWriter writer(file(), run.info());
            std::int64_t seq = 1;
            for (int number = 1; number <= 150; ++number) {
                const Batch batch = run.batch(number, seq, 400);
                seq = batch.records.back().seq + 1;
                writer.write(batch);
                const std::int64_t committed = seq - 1;
                if (write(told[1], &committed, sizeof committed) != sizeof committed)
                    return 1;
            }
            writer.finish(run.now(), 0);
            return 0;
        });
        close(told[1]);
        std::int64_t committed = 0;
        ASSERT_EQ(read(told[0], &committed, sizeof committed), static_cast<ssize_t>(sizeof committed));
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 140'000));
        kill(child, SIGKILL);
        interrupted += resultOf(child) == -SIGKILL ? 1 : 0;
        while (read(told[0], &committed, sizeof committed) == static_cast<ssize_t>(sizeof committed)) {
        }
        close(told[0]);

        SessionReader reader(file());
        EXPECT_GE(reader.lastSeq(), committed) << "what was committed is there";
        const auto complaints = reader.verify();
        EXPECT_TRUE(complaints.empty()) << complaints.front();
        EXPECT_EQ(reader.read(1, reader.lastSeq()).records.size(), static_cast<std::size_t>(reader.lastSeq()));
        test::SyntheticRun again({});
        std::int64_t seq = 1;
        for (int number = 1; auto batch = reader.next(); ++number) {
            const Batch expected = again.batch(number, seq, 400);
            seq = expected.records.back().seq + 1;
            ASSERT_EQ(texts(*batch), texts(expected));
        }
    }
    EXPECT_GT(interrupted, kRounds / 2) << "hardly any run was cut off";
}

TEST_F(LiveSession, aWalWithoutRoomLeavesTheBatchOut) {
    test::SyntheticRun run({});
    WriteLimits limits;
    limits.maxPages = 100;
    SessionWriter writer(file(), run.info(), limits);
    std::int64_t seq = 1;
    int written = 0;
    std::string reason;
    while (reason.empty() && written < 100) {
        const Batch batch = run.batch(written + 1, seq, 500);
        try {
            writer.write(batch);
            seq = batch.records.back().seq + 1;
            ++written;
        } catch (const DiskFull& full) {
            reason = full.what();
            EXPECT_THROW(writer.write(batch), DiskFull) << "trying again changes nothing";
        }
    }
    EXPECT_EQ(reason, "run.moescope: there is no room left on the disk.");
    EXPECT_GT(written, 1);
    SessionReader reader(file());
    EXPECT_EQ(reader.lastSeq(), seq - 1);
    EXPECT_EQ(reader.verify(), std::vector<std::string>{});
}

TEST_F(LiveSession, theWalOfALongRunMovesIntoTheFile) {
    test::SyntheticRun run({});
    SessionWriter writer(file(), run.info());
    const std::filesystem::path wal = file().string() + "-wal";
    const auto started = std::filesystem::file_size(file());
    std::int64_t seq = 1;
    std::uintmax_t walSize = 0;
    int steady = 0;
    // The WAL never shrinks; commits that do not lengthen it use its beginning again, for that was moved.
    for (int number = 1; steady < 20 && number <= 5000; ++number) {
        const Batch batch = run.batch(number, seq, 1000);
        seq = batch.records.back().seq + 1;
        writer.write(batch);
        const auto size = std::filesystem::file_size(wal);
        steady = size == walSize ? steady + 1 : 0;
        walSize = size;
    }
    EXPECT_EQ(steady, 20) << "the WAL grew with the session";
    EXPECT_GT(std::filesystem::file_size(file()), started + static_cast<std::uintmax_t>(seq) * 20);
    SessionReader reader(file());
    EXPECT_EQ(reader.lastSeq(), seq - 1);
    EXPECT_EQ(reader.verify(), std::vector<std::string>{});
}

TEST_F(LiveSession, aFileThatCannotBeginIsNotLeftBehind) {
    test::SyntheticRun run({});
    EXPECT_THROW(SessionWriter(folder() / "nowhere" / "run.moescope", run.info()), std::runtime_error);
    const std::filesystem::path disk = folder() / "disk";
    std::filesystem::create_directory(disk);
    if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0)
        GTEST_SKIP() << "only root can mount a small disk";
    EXPECT_THROW(SessionWriter(disk / "run.moescope", run.info()), DiskFull);
    EXPECT_TRUE(std::filesystem::is_empty(disk));
    umount2(disk.c_str(), MNT_DETACH);
}

} // namespace
} // namespace moescope::session

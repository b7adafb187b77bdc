#include "profiler/record/recorder.h"

#include "profiler/session/session_reader.h"
#include "tests/support/session_fixture.h"

#include <sys/mount.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

namespace moescope::record {
namespace {

using namespace std::chrono_literals;
using namespace trace;

class RecorderTest : public test::SessionFolder {
protected:
    Recorder::Options options(int intervalMs = 5) const {
        Recorder::Options given;
        given.path = file();
        given.info = test::SyntheticRun({}).info();
        given.intervalMs = intervalMs;
        given.sampleHost = false;
        return given;
    }
    static session::Batch everything(const std::filesystem::path& path) {
        session::SessionReader reader(path);
        EXPECT_EQ(reader.verify(), std::vector<std::string>{});
        return reader.read(1, reader.lastSeq());
    }
    template <class Kind>
    static std::vector<Kind> all(const session::Batch& batch) {
        std::vector<Kind> found;
        for (const session::Record& record : batch.records)
            if (const auto* event = std::get_if<Kind>(&record.event))
                found.push_back(*event);
        return found;
    }
    SteadyClock m_clock;
};

/// What OnTrouble said, with waiting for it.
class Troubles {
public:
    Recorder::OnTrouble listener() {
        return [this](const std::string& reason) {
            const std::lock_guard lock(m_mutex);
            m_reasons.push_back(reason);
            m_changed.notify_all();
        };
    }
    std::string waitFor(std::size_t count) {
        std::unique_lock lock(m_mutex);
        if (!m_changed.wait_for(lock, 10s, [&] { return m_reasons.size() >= count; }))
            return "nothing was said";
        return m_reasons[count - 1];
    }

private:
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::vector<std::string> m_reasons;
};

TEST_F(RecorderTest, keepsEveryThreadsOrderAndNumbersWithoutGaps) {
    constexpr int kEach = 20'000;
    {
        Recorder recorder(options(), m_clock);
        std::vector<std::thread> threads;
        for (int thread = 0; thread < 3; ++thread)
            threads.emplace_back([&recorder, thread, this] {
                Tracer& tracer = recorder.openProducer("thread");
                for (int i = 0; i < kEach; ++i) {
                    tracer.emit(TokenEmitted{m_clock.now(), TurnIndex(thread), TokenIndex(i), i}, asPayload("piece"));
                    if (i % 64 == 0)
                        std::this_thread::sleep_for(50us);
                }
            });
        for (std::thread& thread : threads)
            thread.join();
        EXPECT_EQ(recorder.finish(), 0);
    }
    const session::Batch batch = everything(file());
    ASSERT_EQ(batch.records.size(), 3u * kEach);
    int next[3] = {0, 0, 0};
    for (const session::Record& record : batch.records) {
        const auto& event = std::get<TokenEmitted>(record.event);
        ASSERT_EQ(event.token.value, next[event.turn.value]++);
        ASSERT_EQ(batch.payload(record).size(), 5u);
    }
}

TEST_F(RecorderTest, ordersAcrossThreadsByCause) {
    // Two threads hand a token to and fro; whoever has it emits, so the true order is known.
    constexpr int kTurns = 4000;
    {
        Recorder recorder(options(1), m_clock);
        std::atomic<int> turn{0};
        const auto play = [&](int me) {
            Tracer& tracer = recorder.openProducer(me == 0 ? "left" : "right");
            for (;;) {
                const int now = turn.load(std::memory_order_acquire);
                if (now >= kTurns)
                    return;
                if (now % 2 != me) {
                    std::this_thread::yield();
                    continue;
                }
                tracer.emit(ExpertHit{m_clock.now(), TokenIndex(now), expertKey(me, 0)}, {});
                turn.store(now + 1, std::memory_order_release);
            }
        };
        std::thread left(play, 0);
        std::thread right(play, 1);
        left.join();
        right.join();
        recorder.finish();
    }
    int expected = 0;
    for (const ExpertHit& hit : all<ExpertHit>(everything(file())))
        ASSERT_EQ(hit.token.value, expected++);
    EXPECT_EQ(expected, kTurns);
}

TEST_F(RecorderTest, flushPutsItIntoTheFile) {
    Recorder recorder(options(1000), m_clock);
    Tracer& tracer = recorder.openProducer("engine");
    for (int i = 1; i <= 5; ++i) {
        tracer.emit(ExpertHit{m_clock.now(), TokenIndex(i), expertKey(0, 0)}, {});
        recorder.flush();
        session::SessionReader reader(file());
        EXPECT_EQ(reader.lastSeq(), i);
        EXPECT_FALSE(reader.info().finished());
    }
}

TEST_F(RecorderTest, countsWhatItLoses) {
    constexpr int kEmitted = 5000;
    Recorder::Options small = options(400);
    small.ringBytes = 64u << 10;
    std::int64_t lost = 0;
    {
        Recorder recorder(small, m_clock);
        Tracer& tracer = recorder.openProducer("engine");
        for (int i = 0; i < kEmitted; ++i)
            tracer.emit(ExpertHit{m_clock.now(), TokenIndex(i), expertKey(0, 0)}, {});
        lost = recorder.finish();
        EXPECT_EQ(recorder.eventsLost(), lost);
    }
    EXPECT_GT(lost, 0);
    const session::Batch batch = everything(file());
    std::int64_t told = 0;
    for (const EventsLost& event : all<EventsLost>(batch))
        told += event.count;
    EXPECT_EQ(told, lost);
    EXPECT_EQ(static_cast<std::int64_t>(all<ExpertHit>(batch).size()) + lost, kEmitted);
    EXPECT_EQ(session::SessionReader(file()).info().eventsLost, lost);
}

TEST_F(RecorderTest, aPayloadTooLargeForTheRingIsLostNotStuck) {
    Recorder::Options small = options();
    small.ringBytes = 16u << 10;
    Recorder recorder(small, m_clock);
    Tracer& tracer = recorder.openProducer("engine");
    tracer.emit(NoteMade{m_clock.now(), {}}, asPayload(std::string(20'000, 'x')));
    tracer.emit(NoteMade{m_clock.now(), {}}, asPayload(std::string(7'000, 'y')));
    EXPECT_EQ(recorder.finish(), 1);
    const session::Batch batch = everything(file());
    ASSERT_EQ(all<NoteMade>(batch).size(), 1u);
    EXPECT_EQ(batch.payload(batch.records.front()).size(), 7'000u);
}

TEST_F(RecorderTest, writesNothingWhenNothingHappens) {
    Recorder::Options given = options(2);
    given.sampleHost = true;
    Recorder recorder(given, m_clock);
    Tracer& tracer = recorder.openProducer("engine");
    tracer.emit(RunFailed{m_clock.now()}, asPayload("No."));
    recorder.flush();
    std::this_thread::sleep_for(700ms);
    recorder.finish();
    int batches = 0;
    session::SessionReader reader(file());
    while (reader.next())
        ++batches;
    EXPECT_LE(batches, 2) << "the event, and one sample of the host";
    tracer.emit(RunFailed{m_clock.now()}, asPayload("Too late."));
    EXPECT_EQ(recorder.finish(), 0);
}

TEST_F(RecorderTest, samplesTheHostAboutTwiceASecond) {
    Recorder::Options given = options(10);
    given.sampleHost = true;
    {
        Recorder recorder(given, m_clock);
        Tracer& tracer = recorder.openProducer("engine");
        const auto until = std::chrono::steady_clock::now() + 1300ms;
        while (std::chrono::steady_clock::now() < until) {
            tracer.emit(ExpertHit{m_clock.now(), TokenIndex(0), expertKey(0, 0)}, {});
            std::this_thread::sleep_for(5ms);
        }
    }
    const auto samples = all<HostSample>(everything(file()));
    ASSERT_GE(samples.size(), 1u);
    EXPECT_LE(samples.size(), 4u);
    for (const HostSample& sample : samples) {
        EXPECT_GT(sample.residentBytes, 1 << 20);
        EXPECT_LT(sample.residentBytes, std::int64_t{1} << 40);
        EXPECT_GE(sample.cpuPercent, 0);
        EXPECT_LT(sample.recorderLagUs, 1'000'000);
    }
}

TEST_F(RecorderTest, theHostIsSampledAfterAnAnswerHoweverShort) {
    Recorder::Options given = options(10);
    given.sampleHost = true;
    {
        Recorder recorder(given, m_clock);
        recorder.openProducer("engine").emit(AnswerEnded{m_clock.now(), TurnIndex(0), EndReason::EndOfText, 1, 0}, {});
    }
    EXPECT_EQ(all<HostSample>(everything(file())).size(), 1u);
}

TEST_F(RecorderTest, goesOnElsewhereWhenTheDiskIsFull) {
    const std::filesystem::path other = folder() / "other";
    std::filesystem::create_directory(other);
    Troubles troubles;
    Recorder::Options given = options();
    given.maxPages = 120;
    std::filesystem::path second;
    int emitted = 0;
    {
        Recorder recorder(given, m_clock, troubles.listener());
        Tracer& tracer = recorder.openProducer("engine");
        const auto emit = [&] {
            tracer.emit(TokenEmitted{m_clock.now(), TurnIndex(0), TokenIndex(emitted++), 1}, asPayload("some text to fill it"));
        };
        std::string slots = "gate";
        tracer.emit(SlotsAllocated{m_clock.now(), Layer(0), 5}, {});
        slots += '\0';
        slots += "topk";
        slots += '\0';
        slots += "adapmoe";
        tracer.emit(SettingChanged{m_clock.now(), TokenIndex(0)}, asPayload(slots));
        std::string reason;
        for (int round = 0; round < 200 && reason.empty(); ++round) {
            for (int i = 0; i < 200; ++i)
                emit();
            try {
                recorder.flush();
            } catch (const std::exception& error) {
                reason = error.what();
            }
        }
        EXPECT_NE(reason.find("no room left"), std::string::npos) << reason;
        EXPECT_NE(troubles.waitFor(1).find("no room left"), std::string::npos);
        EXPECT_EQ(recorder.path(), file());
        emit();
        EXPECT_THROW(recorder.relocate(folder() / "nowhere"), std::runtime_error);
        recorder.relocate(other);
        EXPECT_EQ(troubles.waitFor(2), "");
        second = recorder.path();
        EXPECT_EQ(second, other / "run-2.moescope");
        emit();
        EXPECT_EQ(recorder.finish(), 0);
    }
    session::SessionReader first(file());
    session::SessionReader continued(second);
    EXPECT_EQ(continued.info().continues, first.info().id);
    EXPECT_NE(continued.info().id, first.info().id);
    EXPECT_TRUE(continued.info().finished());
    EXPECT_EQ(continued.info().settings.front().second, "adapmoe");
    auto tokens = all<TokenEmitted>(everything(file()));
    const session::Batch rest = everything(second);
    EXPECT_EQ(all<SlotsAllocated>(rest).size(), 1u);
    EXPECT_EQ(all<NoteMade>(rest).size(), 1u);
    const auto others = all<TokenEmitted>(rest);
    EXPECT_GT(tokens.size(), 0u);
    tokens.insert(tokens.end(), others.begin(), others.end());
    ASSERT_EQ(tokens.size(), static_cast<std::size_t>(emitted));
    for (int i = 0; i < emitted; ++i)
        ASSERT_EQ(tokens[static_cast<std::size_t>(i)].token.value, i);
}

TEST_F(RecorderTest, goesOnHereWhenThereIsRoomAgain) {
    const std::filesystem::path disk = folder() / "disk";
    std::filesystem::create_directory(disk);
    if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=4m") != 0)
        GTEST_SKIP() << "only root can mount a small disk";
    struct Unmount {
        std::filesystem::path path;
        ~Unmount() { umount2(path.c_str(), MNT_DETACH); }
    } unmount{disk};
    std::ofstream(disk / "ballast") << std::string(2 << 20, 'b');
    Troubles troubles;
    Recorder::Options given = options();
    given.path = disk / "run.moescope";
    int emitted = 0;
    {
        Recorder recorder(given, m_clock, troubles.listener());
        Tracer& tracer = recorder.openProducer("engine");
        bool full = false;
        while (!full && emitted < 200'000) {
            for (int i = 0; i < 500; ++i)
                tracer.emit(TokenEmitted{m_clock.now(), TurnIndex(0), TokenIndex(emitted++), 1},
                            asPayload("some text to fill it"));
            try {
                recorder.flush();
            } catch (const std::exception&) {
                full = true;
            }
        }
        ASSERT_TRUE(full);
        EXPECT_NE(troubles.waitFor(1).find("no room left"), std::string::npos);
        {
            session::SessionReader meanwhile(given.path);
            EXPECT_GT(meanwhile.lastSeq(), 0);
            EXPECT_LT(meanwhile.lastSeq(), emitted);
            EXPECT_EQ(meanwhile.read(1, meanwhile.lastSeq()).records.size(), static_cast<std::size_t>(meanwhile.lastSeq()));
        }
        std::filesystem::remove(disk / "ballast");
        EXPECT_EQ(troubles.waitFor(2), "");
        EXPECT_EQ(recorder.finish(), 0);
    }
    EXPECT_FALSE(std::filesystem::exists(given.path.string() + "-wal"));
    EXPECT_EQ(all<TokenEmitted>(everything(given.path)).size(), static_cast<std::size_t>(emitted));
}

} // namespace
} // namespace moescope::record

#include "profiler/analysis/snapshot_builder.h"
#include "profiler/session/session_reader.h"
#include "profiler/session/session_writer.h"
#include "tests/support/synthetic_run.h"
#include "ui/session_feed.h"

#include <QCoreApplication>
#include <QElapsedTimer>
#include <QFile>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <random>

using namespace Qt::StringLiterals;
using namespace moescope;
using namespace moescope::ui;

namespace {

/// A session that grows batch by batch.
class Growing {
public:
    explicit Growing(const QString& path) : m_path(path), m_run({}) {
        m_writer = std::make_unique<session::SessionWriter>(path.toStdString(), m_run.info());
        session::Batch slots;
        slots.number = ++m_number;
        for (int layer = 0; layer < 8; ++layer)
            slots.append(++m_seq, trace::SlotsAllocated{0, trace::Layer(layer), 6}, {});
        m_writer->write(slots);
    }
    void grow(std::size_t events) {
        const session::Batch batch = m_run.batch(++m_number, m_seq + 1, events);
        m_seq = batch.records.back().seq;
        m_at = batch.committedAt;
        m_writer->write(batch);
    }
    void finish() {
        m_writer->finish(m_at, 0);
        m_writer.reset();
    }
    std::int64_t seq() const { return m_seq; }
    trace::TimeNs at() const { return m_at; }
    const QString& path() const { return m_path; }

private:
    QString m_path;
    moescope::test::SyntheticRun m_run;
    std::unique_ptr<session::SessionWriter> m_writer;
    std::int64_t m_number = 0;
    std::int64_t m_seq = 0;
    trace::TimeNs m_at = 0;
};

bool waitFor(const std::function<bool()>& condition, int ms = 8000) {
    return QTest::qWaitFor(condition, ms);
}

bool arrivesAt(SessionFeed& feed, std::int64_t seq) {
    return waitFor([&] { return feed.snapshot()->seq == seq; });
}

/// The same place, folded from the start by an own reader: what the feed must show.
analysis::SnapshotPtr folded(const QString& path, std::int64_t seq, bool withOptimum = false) {
    session::SessionReader reader(path.toStdString());
    analysis::SnapshotBuilder builder(std::make_shared<session::SessionInfo>(reader.info()));
    while (auto batch = reader.next())
        builder.add(*batch, seq);
    builder.refreshFigures(withOptimum);
    return builder.snapshot();
}

void compare(const analysis::Snapshot& shown, const analysis::Snapshot& expected) {
    QCOMPARE(shown.seq, expected.seq);
    QCOMPARE(shown.now, expected.now);
    QCOMPARE(shown.tokens.size(), expected.tokens.size());
    QCOMPARE(shown.passes.size(), expected.passes.size());
    QCOMPARE(shown.choices.size(), expected.choices.size());
    QCOMPARE(shown.residency.state, expected.residency.state);
    QCOMPARE(shown.summary.hits, expected.summary.hits);
    QCOMPARE(shown.summary.misses, expected.summary.misses);
    QCOMPARE(shown.summary.bytesDemand, expected.summary.bytesDemand);
    for (std::size_t i = 0; i < expected.tokens.size(); ++i) {
        QCOMPARE(shown.tokens[i].tokenId, expected.tokens[i].tokenId);
        QCOMPARE(shown.tokens[i].at, expected.tokens[i].at);
    }
    for (std::size_t i = 0; i < expected.choices.size(); ++i) {
        QCOMPARE(shown.choices[i].ids, expected.choices[i].ids);
        QCOMPARE(shown.choices[i].kept, expected.choices[i].kept);
    }
}

} // namespace

class SessionFeedTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void showsAFinishedSessionWhole();
    void followsAGrowingSession();
    void aFrozenViewLearnsThatTheSessionGrows();
    void seeksToAnyPlaceAndBack();
    void stepsByTokens();
    void playsInRecordedTime();
    void answersTheNewestTimelineRequest();
    void publishesNoMoreThanItMay();
    void aBadFileIsOneSentenceAndTheOldOneStays();
    void aDeletedFileIsSaid();
    void switchingSessionsShowsNoneOfTheOld();
    void theWriterCanFinishWhileItIsWatched();

private:
    QString file(const QString& name = u"run.moescope"_s) const { return m_folder->filePath(name); }
    std::unique_ptr<QTemporaryDir> m_folder;
};

void SessionFeedTest::showsAFinishedSessionWhole() {
    Growing session(file());
    for (int i = 0; i < 20; ++i)
        session.grow(500);
    session.finish();
    SessionFeed feed;
    QVERIFY(feed.snapshot());
    QCOMPARE(feed.snapshot()->seq, 0);
    QSignalSpy opened(&feed, &SessionFeed::opened);
    feed.open(file());
    QVERIFY(arrivesAt(feed, session.seq()));
    QCOMPARE(opened.size(), 1);
    const auto snapshot = feed.snapshot();
    QVERIFY(!snapshot->live);
    QVERIFY(snapshot->atEnd);
    QCOMPARE(QString::fromStdString(snapshot->file), file());
    compare(*snapshot, *folded(file(), session.seq()));
    const double optimum = folded(file(), session.seq(), true)->summary.optimumHitRate;
    QVERIFY(optimum > 0);
    QVERIFY(waitFor([&] { return feed.snapshot()->summary.optimumHitRate == optimum; }));
}

void SessionFeedTest::followsAGrowingSession() {
    Growing session(file());
    session.grow(200);
    SessionFeed feed;
    feed.open(file());
    QVERIFY(arrivesAt(feed, session.seq()));
    QVERIFY(feed.snapshot()->live);
    for (int i = 0; i < 10; ++i) {
        session.grow(300);
        QVERIFY(arrivesAt(feed, session.seq()));
    }
    session.finish();
    QVERIFY(waitFor([&] { return !feed.snapshot()->live; }));
    QCOMPARE(feed.snapshot()->seq, session.seq());
}

void SessionFeedTest::aFrozenViewLearnsThatTheSessionGrows() {
    Growing session(file());
    session.grow(500);
    SessionFeed feed;
    feed.open(file());
    QVERIFY(arrivesAt(feed, session.seq()));
    const std::int64_t here = session.seq();
    QSignalSpy turns(&feed, &SessionFeed::followChanged);
    feed.setFollow(false);
    QVERIFY(!feed.following());
    session.grow(500);
    QVERIFY(waitFor([&] { return !feed.snapshot()->atEnd; }));
    QCOMPARE(feed.snapshot()->seq, here);
    QVERIFY(feed.snapshot()->sessionEnd > feed.snapshot()->now);
    feed.setFollow(true);
    QVERIFY(arrivesAt(feed, session.seq()));
    QCOMPARE(turns.size(), 2);
}

void SessionFeedTest::seeksToAnyPlaceAndBack() {
    Growing session(file());
    for (int i = 0; i < 60; ++i)
        session.grow(1000); // several checkpoints long
    session.finish();
    SessionFeed feed;
    feed.open(file());
    QVERIFY(arrivesAt(feed, session.seq()));
    session::SessionReader reader(file().toStdString());
    std::mt19937_64 random(11);
    for (int i = 0; i < 12; ++i) {
        const auto time = static_cast<trace::TimeNs>(random() % static_cast<std::uint64_t>(session.at()));
        const std::int64_t seq = reader.seqAt(time);
        feed.seekTime(time);
        QVERIFY(!feed.following());
        QVERIFY(arrivesAt(feed, seq));
        compare(*feed.snapshot(), *folded(file(), seq));
        if (QTest::currentTestFailed())
            return;
    }
    // A scrub: only the last place matters, and few of those before it are shown.
    int shown = 0;
    connect(&feed, &SessionFeed::snapshotChanged, this, [&] { ++shown; });
    for (int i = 0; i < 100; ++i)
        feed.seekTime(session.at() * (100 - i) / 100);
    QVERIFY(arrivesAt(feed, reader.seqAt(session.at() / 100)));
    QVERIFY2(shown < 50, qPrintable(QString::number(shown)));
    feed.seekTime(0);
    QVERIFY(arrivesAt(feed, reader.seqAt(0)));
}

void SessionFeedTest::stepsByTokens() {
    Growing session(file());
    session.grow(6000);
    session.finish();
    SessionFeed feed;
    feed.open(file());
    QVERIFY(arrivesAt(feed, session.seq()));
    const std::int64_t all = feed.snapshot()->summary.tokens;
    QVERIFY(all > 20);
    feed.seekTime(0);
    QVERIFY(waitFor([&] { return feed.snapshot()->summary.tokens == 0; }));
    for (std::int64_t token = 1; token <= 5; ++token) {
        feed.stepTokens(1);
        QVERIFY(waitFor([&] { return feed.snapshot()->summary.tokens == token; }));
        QCOMPARE(feed.snapshot()->tokens.back().role, analysis::TokenRole::Generated);
        QCOMPARE(feed.snapshot()->now, feed.snapshot()->tokens.back().at);
    }
    feed.stepTokens(-1);
    QVERIFY(waitFor([&] { return feed.snapshot()->summary.tokens == 4; }));
    feed.stepTokens(10);
    QVERIFY(waitFor([&] { return feed.snapshot()->summary.tokens == 14; }));
    feed.stepTokens(-100);
    QVERIFY(waitFor([&] { return feed.snapshot()->seq == 0; }));
    feed.stepTokens(100'000);
    QVERIFY(arrivesAt(feed, session.seq()));
}

void SessionFeedTest::playsInRecordedTime() {
    Growing session(file());
    while (session.at() < 1'500'000'000)
        session.grow(2000);
    session.finish();
    SessionFeed feed;
    feed.open(file());
    QVERIFY(arrivesAt(feed, session.seq()));
    feed.seekTime(100'000'000);
    QVERIFY(waitFor([&] { return feed.snapshot()->now <= 100'000'000 && feed.snapshot()->now > 50'000'000; }));
    QSignalSpy turns(&feed, &SessionFeed::playingChanged);
    const trace::TimeNs from = feed.snapshot()->now;
    QElapsedTimer timer;
    timer.start();
    feed.setPlaying(true, 2);
    QVERIFY(feed.playing());
    QTest::qWait(400);
    feed.setPlaying(false, 2);
    const double elapsed = static_cast<double>(timer.nsecsElapsed());
    QTest::qWait(100);
    const double played = static_cast<double>(feed.snapshot()->now - from);
    QVERIFY2(played > elapsed * 2 * 0.5 && played < elapsed * 2 * 1.3, qPrintable(u"%1 in %2"_s.arg(played).arg(elapsed)));
    feed.setPlaying(true, 16);
    QVERIFY(waitFor([&] { return !feed.playing(); })); // it stops by itself at the end
    QVERIFY(arrivesAt(feed, session.seq()));
    QVERIFY(turns.size() >= 4);
    feed.setPlaying(true, 1); // and begins again at the start
    QVERIFY(waitFor([&] { return feed.snapshot()->now < 500'000'000; }));
}

void SessionFeedTest::answersTheNewestTimelineRequest() {
    Growing session(file());
    session.grow(5000);
    session.finish();
    SessionFeed feed;
    feed.open(file());
    QVERIFY(arrivesAt(feed, session.seq()));
    std::vector<TimelineWindowPtr> windows;
    connect(&feed, &SessionFeed::timelineReady, this, [&](const TimelineWindowPtr& window) { windows.push_back(window); });
    quint64 last = 0;
    for (int i = 0; i < 30; ++i)
        last = feed.requestTimeline(0, session.at() / (i + 1), 800);
    QVERIFY(waitFor([&] { return !windows.empty() && windows.back()->generation == last; }));
    QVERIFY(windows.size() < 30);
    const TimelineWindow& window = *windows.back();
    QCOMPARE(window.end, session.at() / 30);
    session::SessionReader reader(file().toStdString());
    for (const TimelineWindow::LaneBars& lane : window.lanes) {
        const auto expected = reader.lane({lane.lane, window.begin, window.end, window.resolutionNs});
        QCOMPARE(lane.bars.size(), expected.size());
    }
    QVERIFY(!window.lanes[0].bars.empty());
}

void SessionFeedTest::publishesNoMoreThanItMay() {
    Growing session(file());
    session.grow(100);
    SessionFeed feed;
    feed.open(file());
    QVERIFY(arrivesAt(feed, session.seq()));
    int count = 0;
    connect(&feed, &SessionFeed::snapshotChanged, this, [&] { ++count; });
    QElapsedTimer timer;
    timer.start();
    while (timer.elapsed() < 1000) {
        session.grow(60);
        QTest::qWait(2);
    }
    QVERIFY2(count > 0 && count <= timer.elapsed() / 30 + 2, qPrintable(QString::number(count)));
}

void SessionFeedTest::aBadFileIsOneSentenceAndTheOldOneStays() {
    Growing session(file());
    session.grow(500);
    session.finish();
    QFile bad(file(u"bad.moescope"_s));
    QVERIFY(bad.open(QIODevice::WriteOnly));
    bad.write("nonsense");
    bad.close();
    SessionFeed feed;
    QSignalSpy failures(&feed, &SessionFeed::failed);
    feed.open(file());
    QVERIFY(arrivesAt(feed, session.seq()));
    for (const QString& name : {u"bad.moescope"_s, u"absent.moescope"_s}) {
        feed.open(file(name));
        QVERIFY(failures.wait(5000));
        const QString sentence = failures.back()[0].toString();
        QVERIFY2(sentence.contains(name) && sentence.endsWith(u'.'), qPrintable(sentence));
    }
    feed.seekTime(session.at() / 2);
    QVERIFY(waitFor([&] { return feed.snapshot()->seq > 0 && feed.snapshot()->seq < session.seq(); }));
}

void SessionFeedTest::aDeletedFileIsSaid() {
    Growing session(file());
    session.grow(500);
    SessionFeed feed;
    QSignalSpy failures(&feed, &SessionFeed::failed);
    feed.open(file());
    QVERIFY(arrivesAt(feed, session.seq()));
    QFile::remove(file());
    QVERIFY(failures.wait(5000));
    QVERIFY(failures[0][0].toString().contains(u"deleted"_s));
    QCOMPARE(feed.snapshot()->seq, session.seq());
    QTest::qWait(1200);
    QCOMPARE(failures.size(), 1); // said once
}

void SessionFeedTest::switchingSessionsShowsNoneOfTheOld() {
    Growing first(file(u"first.moescope"_s));
    for (int i = 0; i < 20; ++i)
        first.grow(1000);
    first.finish();
    Growing second(file(u"second.moescope"_s));
    second.grow(300);
    second.finish();
    SessionFeed feed;
    for (int round = 0; round < 5; ++round) {
        feed.open(first.path());
        feed.open(second.path());
        QStringList shown;
        const auto watch = connect(&feed, &SessionFeed::snapshotChanged, this,
                                   [&] { shown << QString::fromStdString(feed.snapshot()->file); });
        QVERIFY(waitFor([&] { return feed.snapshot()->seq == second.seq(); }));
        QTest::qWait(50);
        disconnect(watch);
        for (const QString& name : shown)
            QCOMPARE(name, second.path());
    }
    feed.close();
    QCOMPARE(feed.snapshot()->seq, 0);
}

void SessionFeedTest::theWriterCanFinishWhileItIsWatched() {
    Growing session(file());
    session.grow(2000);
    SessionFeed feed;
    feed.open(file());
    QVERIFY(arrivesAt(feed, session.seq()));
    std::thread writer([&] { session.finish(); });
    QVERIFY(waitFor([&] { return !feed.snapshot()->live; }));
    writer.join();
    QVERIFY(waitFor([&] { return !QFile::exists(file() + u"-wal"_s); }, 10'000));
    QCOMPARE(feed.snapshot()->seq, session.seq());
}

QTEST_GUILESS_MAIN(SessionFeedTest)
#include "session_feed_test.moc"

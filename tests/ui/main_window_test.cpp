#include "tests/ui/support/panel_bench.h"
#include "ui/chat/chat_panel.h"
#include "ui/chat/prompt_box.h"
#include "ui/controls/controls_panel.h"
#include "ui/dock_panel.h"
#include "ui/main_window.h"
#include "ui/scrub_bar.h"
#include "ui/simulator/simulator_panel.h"
#include "ui/status_line.h"
#include "ui/top_bar.h"
#include "ui/transport_bar.h"

#include <QDropEvent>
#include <QMenuBar>
#include <QMimeData>
#include <QPushButton>
#include <QSignalSpy>
#include <QSlider>
#include <QTemporaryDir>

using namespace Qt::StringLiterals;
using namespace moescope;
using namespace moescope::ui;
using namespace moescope::ui::test;

namespace {

struct WindowBench : PanelBench {
    explicit WindowBench(QSize size = {1440, 900}, const QString& settings = {})
        : store(settings.isEmpty() ? folder.filePath(u"settings.ini"_s) : settings),
          window(feed, selection, commands, theme, store) {
        window.resize(size);
        window.show();
        static_cast<void>(QTest::qWaitForWindowExposed(&window));
        QTest::qWait(100);
    }
    QTemporaryDir folder;
    SettingsStore store;
    MainWindow window;
};

QString goldenFile() {
    return QStringLiteral(MOESCOPE_SOURCE_DIR) + u"/sample_sessions/adaptive-gating.moescope"_s;
}

} // namespace

class MainWindowTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void arrangedAsDesigned();
    void everyPanelFitsAt1280By800();
    void smallWindowsTurnDocksIntoTabs();
    void keysReachEveryPanel();
    void transportKeysActUnlessTextWantsThem();
    void layoutComesBackAndCanBeReset();
    void layoutsWithoutAPanelGetIt();
    void aSimulationOpensInTheWindow();
    void theStatusLineIsTrue();
    void bannersSayAndOffer();
    void pausedRecordingOffersAnotherFolder();
    void droppedFilesAreOpened();
    void liveSessionsAreFollowedUnlessTheUserLooksElsewhere();
    void aSampleSessionFillsTheWindow();
};

void MainWindowTest::arrangedAsDesigned() {
    WindowBench bench;
    const auto at = [&](const QString& name) {
        const DockPanel* dock = bench.window.docks().dock(name);
        return QRect(dock->mapTo(&bench.window, QPoint(0, 0)), dock->size());
    };
    QVERIFY(at(u"chat"_s).right() < at(u"experts"_s).left());
    QVERIFY(at(u"experts"_s).right() < at(u"cache"_s).left());
    QCOMPARE(at(u"experts"_s).top(), at(u"cache"_s).top());
    QVERIFY(at(u"cache"_s).right() < at(u"controls"_s).left());
    QVERIFY(at(u"experts"_s).bottom() < at(u"timeline"_s).top());
    QVERIFY(at(u"timeline"_s).bottom() < at(u"tokens"_s).top());
    QVERIFY(at(u"controls"_s).bottom() < at(u"gating"_s).top());
    QVERIFY(at(u"gating"_s).bottom() < at(u"selected"_s).top());
    QCOMPARE(bench.window.tabifiedDockWidgets(bench.window.docks().dock(u"tokens"_s)).size(), 3);
    QVERIFY(std::abs(at(u"chat"_s).width() - 345) < 40);
    QVERIFY(std::abs(at(u"controls"_s).width() - 285) < 40);
}

void MainWindowTest::everyPanelFitsAt1280By800() {
    WindowBench bench({1280, 800});
    for (const DockPanel* dock : bench.window.docks().all()) {
        if (!dock->isVisible() || dock->visibleRegion().isEmpty())
            continue;
        const QRect place(dock->mapTo(&bench.window, QPoint(0, 0)), dock->size());
        QVERIFY2(bench.window.rect().contains(place), qPrintable(dock->objectName()));
        QVERIFY2(place.width() >= 230 && place.height() >= 100, qPrintable(dock->objectName()));
    }
    QCOMPARE(bench.window.size(), QSize(1280, 800));
}

void MainWindowTest::smallWindowsTurnDocksIntoTabs() {
    WindowBench bench;
    bench.window.resize(1000, 650);
    QTest::qWait(150);
    QVERIFY(!bench.window.tabifiedDockWidgets(bench.window.docks().dock(u"experts"_s)).isEmpty());
    QVERIFY(!bench.window.tabifiedDockWidgets(bench.window.docks().dock(u"controls"_s)).isEmpty());
    QCOMPARE(bench.window.width(), 1000);
    bench.window.resize(1440, 900);
    QTest::qWait(150);
    QVERIFY(bench.window.tabifiedDockWidgets(bench.window.docks().dock(u"experts"_s)).isEmpty());
    QVERIFY(bench.window.docks().dock(u"cache"_s)->isVisible());
}

void MainWindowTest::keysReachEveryPanel() {
    WindowBench bench;
    bench.window.activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(&bench.window));
    const QList<DockPanel*>& docks = bench.window.docks().all();
    QVERIFY(docks.size() > 10);
    for (int i = 0; i < docks.size(); ++i) {
        const auto key = static_cast<Qt::Key>(Qt::Key_0 + (i + 1) % 10);
        QTest::keyClick(&bench.window, key, i < 10 ? Qt::ControlModifier : Qt::AltModifier);
        QWidget* focus = QApplication::focusWidget();
        QVERIFY2(focus && docks[i]->isAncestorOf(focus),
                 qPrintable(docks[i]->objectName() + u": "_s +
                            (focus ? QString::fromLatin1(focus->metaObject()->className()) : QString())));
    }
}

void MainWindowTest::transportKeysActUnlessTextWantsThem() {
    WindowBench bench;
    bench.window.openSession(goldenFile());
    if (!QFile::exists(goldenFile()))
        QSKIP("the sample sessions are not there");
    QVERIFY(QTest::qWaitFor([&] { return bench.feed.snapshot()->seq > 0 && bench.feed.snapshot()->atEnd; }, 8000));
    const std::int64_t tokens = bench.feed.snapshot()->summary.tokens;
    bench.window.docks().dock(u"selected"_s)->setFocus();
    bench.window.setFocus();
    QTest::keyClick(&bench.window, Qt::Key_Left); // to the last token, then to the one before
    const trace::TimeNs last = bench.feed.snapshot()->tokens.back().at;
    QVERIFY(QTest::qWaitFor([&] { return bench.feed.snapshot()->now == last; }, 5000));
    QTest::keyClick(&bench.window, Qt::Key_Left);
    QVERIFY(QTest::qWaitFor([&] { return bench.feed.snapshot()->summary.tokens == tokens - 1; }, 5000));
    QVERIFY(!bench.feed.following());
    QTest::keyClick(&bench.window, Qt::Key_Home);
    QVERIFY(QTest::qWaitFor([&] { return bench.feed.snapshot()->summary.tokens == 0; }, 5000));
    QTest::keyClick(&bench.window, Qt::Key_Space);
    QVERIFY(bench.feed.playing());
    QTest::keyClick(&bench.window, Qt::Key_Space);
    QVERIFY(!bench.feed.playing());
    QTest::keyClick(&bench.window, Qt::Key_F);
    QVERIFY(bench.feed.following());
    PromptBox& prompt = bench.window.docks().chat().prompt();
    prompt.setFocus();
    QTest::keyClicks(&prompt, u"F f"_s);
    QTest::keyClick(&prompt, Qt::Key_Left);
    QCOMPARE(prompt.toPlainText(), u"F f"_s);
    QVERIFY(bench.feed.following());
    QVERIFY(!bench.feed.playing());
}

void MainWindowTest::layoutComesBackAndCanBeReset() {
    QTemporaryDir folder;
    const QString settings = folder.filePath(u"settings.ini"_s);
    {
        WindowBench bench({1440, 900}, settings);
        bench.window.docks().dock(u"gating"_s)->hide();
        bench.window.close();
    }
    WindowBench bench({1440, 900}, settings);
    QVERIFY(!bench.window.docks().dock(u"gating"_s)->isVisible());
    bench.window.resetLayout();
    QTest::qWait(50);
    QVERIFY(bench.window.docks().dock(u"gating"_s)->isVisible());
}

void MainWindowTest::layoutsWithoutAPanelGetIt() {
    QTemporaryDir folder;
    const QString settings = folder.filePath(u"settings.ini"_s);
    {
        WindowBench bench({1440, 900}, settings);
        // As an older program would have saved it: it had no such dock.
        bench.window.removeDockWidget(bench.window.docks().dock(u"simulator"_s));
        bench.window.docks().dock(u"gating"_s)->hide();
        bench.window.close();
        QSettings(settings, QSettings::IniFormat).remove(u"window/panels"_s);
    }
    WindowBench bench({1440, 900}, settings);
    const WindowDocks& docks = bench.window.docks();
    QVERIFY(!docks.dock(u"gating"_s)->isVisible()); // the layout is the saved one
    QVERIFY(bench.window.tabifiedDockWidgets(docks.dock(u"tokens"_s)).contains(docks.dock(u"simulator"_s)));
    QVERIFY(!docks.dock(u"tokens"_s)->visibleRegion().isEmpty()); // and what was in front stays there
}

void MainWindowTest::aSimulationOpensInTheWindow() {
    WindowBench bench;
    bench.window.setFolders(bench.folder.path(), {});
    bench.window.openSession(goldenFile());
    QVERIFY(QTest::qWaitFor([&] { return bench.feed.snapshot()->seq > 0 && bench.feed.snapshot()->atEnd; }, 8000));
    bench.window.docks().simulator().openAsSession();
    const std::string path = bench.folder.filePath(u"adaptive-gating_simulated.moescope"_s).toStdString();
    QVERIFY(QTest::qWaitFor([&] { return bench.feed.snapshot()->file == path && bench.feed.snapshot()->atEnd; }, 20'000));
    QVERIFY(bench.feed.snapshot()->info->origin == session::Origin::Simulated);
}

void MainWindowTest::theStatusLineIsTrue() {
    WindowBench bench;
    StatusLine& status = bench.window.statusLine();
    QVERIFY(status.text().contains(u"no session"_s));
    QVERIFY(status.text().contains(u"no engine"_s));
    SampleSession session({.file = "live.moescope"});
    bench.feed.showSnapshot(session.snapshot());
    QVERIFY(status.text().contains(u"replay"_s));
    QVERIFY2(status.text().contains(u"overlap 64 %"_s), qPrintable(status.text()));
    QVERIFY(status.text().contains(u"stall 900 µs/token"_s));
    QVERIFY(status.text().contains(u"pcie3x4, emulated"_s));
    QVERIFY(status.text().contains(u"0 events lost"_s));
    bench.window.setEngine({EngineState::Phase::Ready, 4711, u"ready"_s});
    bench.window.setLiveSession(u"live.moescope"_s);
    bench.feed.showSnapshot(session.snapshot());
    QVERIFY(status.text().contains(u"engine pid 4711"_s));
    QVERIFY2(status.text().contains(u"CPU live"_s), qPrintable(status.text()));
    session.edit().summary.eventsLost = 1234;
    bench.feed.showSnapshot(session.snapshot());
    QVERIFY(status.text().contains(u"1\u2009234 events lost"_s));
    session.edit().device.level = 3;
    session.edit().device.counters.readings = 5;
    session.edit().device.recordsLost = 7;
    session.edit().slotsTotal = 32;
    session.edit().device.overhead.push_back({.offTokenNs = 1'000'000, .onTokenNs = 1'021'000, .level = 3});
    bench.feed.showSnapshot(session.withInfo([](session::SessionInfo& info) {
        info.machine.deviceBytes = 80'000'000'000;
        info.machine.devicePlan = "dense weights=900000000, KV cache and scratch=100000000";
        info.model.expertBytes = 100'000'000;
    }));
    QVERIFY2(status.text().contains(u"tracer L3 + counters (2.1 %), 7 records lost"_s), qPrintable(status.text()));
    QVERIFY2(status.text().contains(u"VRAM 4.20 GB of 80.0 GB"_s), qPrintable(status.text()));
    bench.window.setEngine({EngineState::Phase::Ended, 0, u"ended"_s});
    QVERIFY(status.text().contains(u"engine: ended"_s));
    // 48 tokens 5 ms apart.
    analysis::Snapshot even;
    even.turns.push_back({});
    even.turns.back().turn = trace::TurnIndex(0);
    for (int i = 0; i < 60; ++i) {
        analysis::TokenRecord token;
        token.turn = trace::TurnIndex(0);
        token.at = i * 5'000'000;
        even.tokens.push(token);
    }
    QCOMPARE(recentTokensPerSecond(even), 200.0);
}

void MainWindowTest::bannersSayAndOffer() {
    WindowBench bench;
    int restarted = 0;
    bench.window.showMessage(Banner::Kind::Failure, u"The engine crashed."_s, u"Restart"_s, [&] { ++restarted; });
    QVERIFY(bench.window.banner().isVisible());
    QCOMPARE(bench.window.banner().text(), u"The engine crashed."_s);
    QTest::mouseClick(bench.window.banner().findChild<QPushButton*>(), Qt::LeftButton);
    QCOMPARE(restarted, 1);
    QVERIFY(!bench.window.banner().isVisible());
    Q_EMIT bench.feed.failed(u"x.moescope is no session."_s);
    QVERIFY(bench.window.banner().isVisible());
    QCOMPARE(bench.window.banner().text(), u"x.moescope is no session."_s);
}

void MainWindowTest::pausedRecordingOffersAnotherFolder() {
    WindowBench bench;
    bench.window.showRecordingPaused(u"The disk is full."_s);
    QVERIFY(bench.window.banner().isVisible());
    QVERIFY(bench.window.banner().text().contains(u"The disk is full."_s));
    const auto* button = bench.window.banner().findChild<QPushButton*>();
    QCOMPARE(button->text(), u"Choose folder…"_s);
    QVERIFY(button->isVisible());
}

void MainWindowTest::droppedFilesAreOpened() {
    WindowBench bench;
    QSignalSpy models(&bench.commands, &Commands::modelRequested);
    const auto drop = [&](const QString& path) {
        QMimeData mime;
        mime.setUrls({QUrl::fromLocalFile(path)});
        QDragEnterEvent enter({10, 10}, Qt::CopyAction, &mime, Qt::LeftButton, {});
        QCoreApplication::sendEvent(&bench.window, &enter);
        if (!enter.isAccepted())
            return false;
        QDropEvent dropped({10, 10}, Qt::CopyAction, &mime, Qt::LeftButton, {});
        QCoreApplication::sendEvent(&bench.window, &dropped);
        return true;
    };
    QVERIFY(!drop(u"/tmp/picture.png"_s));
    const QString model = bench.folder.filePath(u"other.gguf"_s);
    QVERIFY(QFile(model).open(QIODevice::WriteOnly));
    QVERIFY(drop(model));
    QCOMPARE(models.size(), 1);
    QCOMPARE(models[0][0].toString(), model);
    QCOMPARE(bench.store.recentModels(), QStringList{model});
    QSignalSpy failures(&bench.feed, &SessionFeed::failed);
    QVERIFY(drop(u"/tmp/there-is-no-such.moescope"_s));
    QVERIFY(failures.wait(5000));
}

void MainWindowTest::liveSessionsAreFollowedUnlessTheUserLooksElsewhere() {
    if (!QFile::exists(goldenFile()))
        QSKIP("the sample sessions are not there");
    WindowBench bench;
    const QString live = bench.folder.filePath(u"live.moescope"_s);
    const QString next = bench.folder.filePath(u"next.moescope"_s);
    QVERIFY(QFile::copy(goldenFile(), live));
    QVERIFY(QFile::copy(goldenFile(), next));
    const auto shows = [&](const QString& path) {
        return QTest::qWaitFor([&] { return QString::fromStdString(bench.feed.snapshot()->file) == path; }, 5000);
    };
    bench.window.setLiveSession(live);
    QVERIFY(shows(live));
    bench.window.openSession(goldenFile());
    QVERIFY(shows(goldenFile()));
    bench.window.setLiveSession(next); // a restarted engine must not take the replay away
    QTest::qWait(200);
    QCOMPARE(QString::fromStdString(bench.feed.snapshot()->file), goldenFile());
    bench.window.goLive();
    QVERIFY(shows(next));
}

void MainWindowTest::aSampleSessionFillsTheWindow() {
    if (!QFile::exists(goldenFile()))
        QSKIP("the sample sessions are not there");
    WindowBench bench;
    bench.window.openSession(goldenFile());
    QVERIFY(QTest::qWaitFor([&] { return bench.feed.snapshot()->seq > 0 && bench.feed.snapshot()->atEnd; }, 8000));
    QTest::qWait(400);
    QVERIFY(!bench.window.docks().chat().visibleTurns().empty());
    QVERIFY(bench.window.docks().controls().shown().value(u"gate"_s) == u"adapmoe"_s);
    // The heat map is painted in Viridis: greens and yellows that nothing else in the window has.
    const QImage picture = bench.window.docks().dock(u"experts"_s)->grab().toImage();
    QSet<QRgb> colours;
    for (int y = 0; y < picture.height(); y += 3) {
        for (int x = 0; x < picture.width(); x += 3)
            colours.insert(picture.pixel(x, y));
    }
    QVERIFY(colours.size() > 30);
    bench.picture(bench.window, u"window"_s);
}

QTEST_MAIN(MainWindowTest)
#include "main_window_test.moc"

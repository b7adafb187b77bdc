#include "app/engine_process.h"
#include "app/gui_options.h"
#include "profiler/session/session_reader.h"

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <csignal>

using namespace Qt::StringLiterals;
using namespace moescope;
using moescope::app::EngineProcess;
using Phase = moescope::ui::EngineState::Phase;

namespace {

struct ProcessBench {
    explicit ProcessBench(const QString& program = QStringLiteral(MOESCOPE_ENGINE)) : engine(options(program), commands) {
        QObject::connect(&engine, &EngineProcess::stateChanged, &engine, [this](const ui::EngineState& now) { state = now; });
        QObject::connect(&engine, &EngineProcess::sessionBegan, &engine, [this](const QString& path) { sessions << path; });
        QObject::connect(&engine, &EngineProcess::refused, &engine, [this](const QString& text) { refusals << text; });
        QObject::connect(&engine, &EngineProcess::died, &engine, [this](const QString& text) { deaths << text; });
    }
    EngineProcess::Options options(const QString& program) {
        EngineProcess::Options options;
        options.program = program;
        options.model = QStringLiteral(MOESCOPE_SOURCE_DIR) + u"/resources/model/model-q8_0.gguf"_s;
        options.sessions = folder.path();
        options.threads = 1;
        options.settings = {{u"cache-experts"_s, u"24"_s}};
        return options;
    }
    bool ready() {
        return QTest::qWaitFor([this] { return state.phase == Phase::Ready; }, 60'000);
    }
    /// Reads the session to its end and counts what matters.
    qint64 tokens(const QString& path) const {
        session::SessionReader reader(path.toStdString());
        return static_cast<qint64>(reader.readTokens(1, reader.lastSeq()).records.size());
    }
    void ask(int maxTokens) {
        ui::SamplingChoice sampling;
        sampling.maxTokens = maxTokens;
        sampling.temperature = 0;
        Q_EMIT commands.promptSubmitted({{u"user"_s, u"Tell me a story about a fox."_s}}, sampling);
    }

    QTemporaryDir folder;
    ui::Commands commands;
    EngineProcess engine;
    ui::EngineState state;
    QStringList sessions;
    QStringList refusals;
    QStringList deaths;
};

} // namespace

class EngineProcessTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void answersAreInTheSession();
    void aRefusedSettingIsOneSentence();
    void survivesTheDeathOfTheEngine();
    void aMissingProgramIsOneSentence();
    void aModelThatCannotBeLoadedIsSaid();
    void optionsAreUnderstood();
};

void EngineProcessTest::answersAreInTheSession() {
    ProcessBench bench;
    bench.engine.start();
    QVERIFY(bench.ready());
    QCOMPARE(bench.sessions.size(), 1);
    QVERIFY(bench.sessions[0].startsWith(bench.folder.path()));
    QVERIFY(bench.state.pid > 0);
    bench.ask(12);
    QVERIFY(QTest::qWaitFor([&] { return bench.tokens(bench.sessions[0]) == 12; }, 30'000));
    Q_EMIT bench.commands.newSessionRequested();
    QVERIFY(QTest::qWaitFor([&] { return bench.sessions.size() == 2; }, 30'000));
    QVERIFY(bench.sessions[0] != bench.sessions[1]);
    bench.engine.shutDown();
    QCOMPARE(bench.state.phase, Phase::Ended);
    QVERIFY(bench.deaths.isEmpty());
    for (const QString& path : bench.sessions)
        QVERIFY2(session::SessionReader(path.toStdString()).info().finished(), qPrintable(path));
}

void EngineProcessTest::aRefusedSettingIsOneSentence() {
    ProcessBench bench;
    bench.engine.start();
    QVERIFY(bench.ready());
    Q_EMIT bench.commands.settingRequested(u"cache"_s, u"clairvoyant"_s);
    QVERIFY(QTest::qWaitFor([&] { return bench.refusals.size() == 1; }, 10'000));
    QVERIFY2(bench.refusals[0].contains(u"clairvoyant"_s), qPrintable(bench.refusals[0]));
    Q_EMIT bench.commands.settingRequested(u"cache"_s, u"lfu"_s);
    QVERIFY(QTest::qWaitFor([&] { return bench.engine.options().settings.value(u"cache"_s) == u"lfu"_s; }, 10'000));
    QCOMPARE(bench.refusals.size(), 1);
}

void EngineProcessTest::survivesTheDeathOfTheEngine() {
    ProcessBench bench;
    bench.engine.start();
    QVERIFY(bench.ready());
    bench.ask(400);
    QVERIFY(QTest::qWaitFor([&] { return bench.tokens(bench.sessions[0]) > 3; }, 30'000));
    ::kill(static_cast<pid_t>(bench.engine.pid()), SIGKILL);
    QVERIFY(QTest::qWaitFor([&] { return bench.deaths.size() == 1; }, 10'000));
    QVERIFY2(bench.deaths[0].contains(u"killed"_s), qPrintable(bench.deaths[0]));
    QCOMPARE(bench.state.phase, Phase::Ended);
    QVERIFY(bench.tokens(bench.sessions[0]) > 3); // what was recorded is there
    Q_EMIT bench.commands.restartRequested();
    QVERIFY(bench.ready());
    QCOMPARE(bench.sessions.size(), 2);
    bench.ask(3);
    QVERIFY(QTest::qWaitFor([&] { return bench.tokens(bench.sessions[1]) == 3; }, 30'000));
    const auto info = session::SessionReader(bench.sessions[1].toStdString()).info();
    const auto setting =
        std::find_if(info.settings.begin(), info.settings.end(), [](const auto& s) { return s.first == "cache-experts"; });
    QVERIFY(setting != info.settings.end());
    QCOMPARE(setting->second, std::string("24")); // the settings outlive the process
}

void EngineProcessTest::aMissingProgramIsOneSentence() {
    ProcessBench bench(u"/there/is/no/such/engine"_s);
    bench.engine.start();
    QVERIFY(QTest::qWaitFor([&] { return !bench.deaths.isEmpty(); }, 5000));
    QVERIFY(bench.deaths[0].contains(u"/there/is/no/such/engine"_s));
    QCOMPARE(bench.state.phase, Phase::Ended);
}

void EngineProcessTest::aModelThatCannotBeLoadedIsSaid() {
    ProcessBench bench;
    bench.engine.start();
    QVERIFY(bench.ready());
    const QString bad = bench.folder.filePath(u"bad.gguf"_s);
    QFile file(bad);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write("GGUF, not really");
    file.close();
    Q_EMIT bench.commands.modelRequested(bad);
    QVERIFY(QTest::qWaitFor([&] { return !bench.refusals.isEmpty(); }, 10'000));
    QVERIFY2(bench.refusals[0].contains(u"bad.gguf"_s), qPrintable(bench.refusals[0]));
    QVERIFY(bench.deaths.isEmpty());
}

void EngineProcessTest::optionsAreUnderstood() {
    const auto parse = [](const QStringList& arguments) {
        return app::parseGuiOptions(QStringList{u"moescope"_s} + arguments);
    };
    QCOMPARE(parse({u"a.moescope"_s}).session, u"a.moescope"_s);
    QCOMPARE(parse({u"b.gguf"_s}).model, u"b.gguf"_s);
    QCOMPARE(parse({u"--panel"_s, u"Simulator"_s}).panel, u"simulator"_s);
    const app::GuiOptions picture = parse({u"--session"_s, u"a.moescope"_s, u"--demo-picture"_s, u"o.png"_s, u"--size"_s,
                                           u"1280x800"_s, u"--scale"_s, u"2"_s, u"--at"_s, u"0.5"_s, u"--theme"_s, u"dark"_s});
    QVERIFY2(picture.problem.isEmpty(), qPrintable(picture.problem));
    QCOMPARE(picture.size, QSize(1280, 800));
    QCOMPARE(picture.scale, 2.0);
    QCOMPARE(picture.at, 0.5);
    for (const QStringList& bad :
         {QStringList{u"--size"_s, u"big"_s}, QStringList{u"--scale"_s, u"9"_s}, QStringList{u"--at"_s, u"2"_s},
          QStringList{u"--theme"_s, u"pink"_s}, QStringList{u"--threads"_s, u"-1"_s},
          QStringList{u"--demo-picture"_s, u"o.png"_s}, QStringList{u"--nonsense"_s}})
        QVERIFY2(!parse(bad).problem.isEmpty(), qPrintable(bad.join(u' ')));
    QVERIFY(parse({u"--help"_s}).help.contains(u"--demo-picture"_s));
    QVERIFY(parse({u"--version"_s}).version);
}

QTEST_GUILESS_MAIN(EngineProcessTest)
#include "engine_process_test.moc"

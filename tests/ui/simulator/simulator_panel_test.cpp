#include "profiler/session/session_reader.h"
#include "tests/ui/support/panel_bench.h"
#include "ui/plot/custom_plot.h"
#include "ui/plot/plot_widget.h"
#include "ui/simulator/result_model.h"
#include "ui/simulator/scenario_editor.h"
#include "ui/simulator/simulated_figures.h"
#include "ui/simulator/simulator_panel.h"
#include "ui/simulator/sweep_view.h"

#include <QAbstractItemModelTester>
#include <QAction>
#include <QClipboard>
#include <QComboBox>
#include <QGuiApplication>
#include <QLabel>
#include <QLineEdit>
#include <QSignalSpy>
#include <QTemporaryDir>

using namespace Qt::StringLiterals;
using namespace moescope;
using namespace moescope::ui;
using namespace moescope::ui::test;

namespace {

QString sample(const QString& name) {
    return QStringLiteral(MOESCOPE_SOURCE_DIR) + u"/sample_sessions/%1.moescope"_s.arg(name);
}

struct SimulatorBench : PanelBench {
    explicit SimulatorBench(const QString& session = sample(u"thrashing"_s)) : panel(feed, selection, theme) {
        present(panel, {752, 260});
        if (session.isEmpty())
            return;
        feed.open(session);
        opened = QTest::qWaitFor([&] { return feed.snapshot()->seq > 0 && feed.snapshot()->atEnd; }, 20'000);
    }
    bool idle() {
        return QTest::qWaitFor([&] { return !panel.runner().running(); }, 60'000);
    }
    QVariant figure(int row, int column) { return panel.results().index(row, column).data(Qt::EditRole); }
    void set(const QString& setting, const QString& value) {
        WhatIf wish = panel.wish();
        wish.settings[setting] = value;
        panel.change(wish, setting);
    }
    void sweepOver(const QString& setting, const QString& values, const SweepWish& second = {}) {
        WhatIf wish = panel.wish();
        wish.axes = {SweepWish{setting, values}, second};
        panel.change(wish, u"sweep"_s);
        panel.sweep();
    }

    SimulatorPanel panel;
    bool opened = false;
};

simulate::Figures alone(const QString& file, std::initializer_list<std::pair<const char*, const char*>> changes) {
    simulate::Scenario scenario;
    for (const auto& [setting, value] : changes)
        scenario.set(setting, value);
    return simulate::Simulator(simulate::readRecording(file.toStdString())).estimate(scenario);
}

} // namespace

class SimulatorPanelTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void saysWhatWillAppear();
    void asRecordedGivesTheRecordedFigures();
    void predictsBesideTheRecorded();
    void anEditIsAnsweredOnceTheRecordingIsRead();
    void changedGatingIsCalledApproximate();
    void aSweepIsWhatItsScenariosGive();
    void aPointOpensItsScenario();
    void undoTakesAnEditBack();
    void whatCannotBeIsSaid();
    void canBeCancelled();
    void opensAsASessionOfItsOwn();
    void copiesACommandLine();
    void liveSessionsAreSimulatedUpToNow();
    void anotherSessionStartsAnew();
    void exportsPictureAndTable();
};

void SimulatorPanelTest::saysWhatWillAppear() {
    SimulatorBench bench(QString{});
    const auto words = [&] {
        QString all;
        for (const QLabel* label : bench.panel.findChildren<QLabel*>())
            all += label->isVisible() ? label->text() : QString();
        return all;
    };
    QVERIFY(words().contains(u"Open a session"_s));
    QVERIFY(words().contains(u"Belady"_s));
    for (const QAction* action : bench.panel.menuActions())
        QVERIFY(!action->isEnabled());
    bench.picture(bench.panel, u"simulator-empty"_s);
    bench.feed.showSnapshot(SampleSession().snapshot());
    QVERIFY(words().contains(u"Simulate"_s));
    QVERIFY(bench.panel.menuActions()[0]->isEnabled());
    QVERIFY(!bench.panel.menuActions()[2]->isEnabled()); // no folder to write to
    QCOMPARE(bench.panel.wish().axes[0].setting, u"cache-experts"_s);
}

void SimulatorPanelTest::asRecordedGivesTheRecordedFigures() {
    for (const char* name : {"thrashing", "global-pool-collapse", "adaptive-gating", "everything-resident"}) {
        SimulatorBench bench(sample(QString::fromLatin1(name)));
        QVERIFY(bench.opened);
        bench.panel.simulate();
        QVERIFY(bench.idle());
        const analysis::Summary& summary = bench.feed.snapshot()->summary;
        for (const int column : {ResultModel::Recorded, ResultModel::Estimate}) {
            QCOMPARE(bench.figure(kHitRateFigure, column).toDouble(), summary.hitRate);
            QCOMPARE(bench.figure(kOptimumFigure, column).toDouble(), summary.optimumHitRate);
            QCOMPARE(bench.figure(3, column).toLongLong(), summary.misses);
            QCOMPARE(bench.figure(4, column).toLongLong(), summary.evictions);
            QCOMPARE(bench.figure(9, column).toDouble(), summary.meanExpertsPerTokenLayer);
            QCOMPARE(bench.figure(10, column).toDouble(), summary.singleExpertShare);
        }
        QCOMPARE(bench.panel.results().headerData(ResultModel::Estimate, Qt::Horizontal).toString(), u"estimate"_s);
    }
}

void SimulatorPanelTest::predictsBesideTheRecorded() {
    SimulatorBench bench;
    QAbstractItemModelTester tester(const_cast<ResultModel*>(&bench.panel.results()),
                                    QAbstractItemModelTester::FailureReportingMode::QtTest);
    QVERIFY(bench.opened);
    bench.set(u"cache"_s, u"belady"_s);
    bench.set(u"cache-experts"_s, u"48"_s);
    bench.panel.simulate();
    QVERIFY(bench.idle());
    const simulate::Figures expected = alone(sample(u"thrashing"_s), {{"cache", "belady"}, {"cache-experts", "48"}});
    QCOMPARE(bench.figure(kHitRateFigure, ResultModel::Estimate).toDouble(), expected.hitRate());
    QCOMPARE(bench.figure(6, ResultModel::Estimate).toDouble(), expected.msPerToken());
    QVERIFY(bench.figure(3, ResultModel::Change).toDouble() < 0);
    QVERIFY(bench.panel.caption().startsWith(u"estimate"_s));
    QVERIFY(bench.panel.note().contains(u"bound"_s));
    bench.set(u"cache"_s, u"lfu"_s);
    QVERIFY(QTest::qWaitFor([&] { return bench.figure(kHitRateFigure, ResultModel::Estimate).toDouble() < expected.hitRate(); },
                            20'000));
    bench.picture(bench.panel, u"simulator-figures"_s);
}

void SimulatorPanelTest::anEditIsAnsweredOnceTheRecordingIsRead() {
    SimulatorBench bench;
    QVERIFY(bench.opened);
    bench.set(u"cache-experts"_s, u"64"_s);
    QTest::qWait(400);
    QVERIFY(bench.panel.results().empty()); // nothing is read before the user asks
    bench.panel.simulate();
    QVERIFY(bench.idle());
    const double before = bench.figure(kHitRateFigure, ResultModel::Estimate).toDouble();
    auto* slots = qobject_cast<QLineEdit*>(bench.panel.editor().field(u"cache-experts"_s));
    slots->setFocus();
    slots->selectAll();
    QTest::keyClicks(slots, u"16"_s);
    QTest::keyClick(slots, Qt::Key_Return);
    QCOMPARE(bench.panel.wish().settings.value(u"cache-experts"_s), u"16"_s);
    QVERIFY(QTest::qWaitFor([&] { return bench.figure(kHitRateFigure, ResultModel::Estimate).toDouble() < before - 0.01; },
                            20'000));
}

void SimulatorPanelTest::changedGatingIsCalledApproximate() {
    SimulatorBench bench;
    QVERIFY(bench.opened);
    bench.set(u"gate"_s, u"score"_s);
    bench.set(u"gate-threshold"_s, u"0.3"_s);
    bench.panel.simulate();
    QVERIFY(bench.idle());
    QVERIFY2(!bench.panel.results().empty(), qPrintable(bench.panel.note()));
    QVERIFY(bench.panel.results().headerData(ResultModel::Estimate, Qt::Horizontal).toString().contains(u"approximate"_s));
    QVERIFY(bench.panel.note().contains(u"approximate"_s));
    QVERIFY(bench.panel.caption().contains(u"approximate"_s));
    QVERIFY(bench.figure(10, ResultModel::Estimate).toDouble() > bench.figure(10, ResultModel::Recorded).toDouble());
}

void SimulatorPanelTest::aSweepIsWhatItsScenariosGive() {
    SimulatorBench bench;
    QAbstractItemModelTester tester(const_cast<SweepModel*>(&bench.panel.points()),
                                    QAbstractItemModelTester::FailureReportingMode::QtTest);
    QVERIFY(bench.opened);
    bench.set(u"link"_s, u"nvme7"_s);
    bench.sweepOver(u"cache-experts"_s, u"16:64:16"_s, {u"cache"_s, u"lru,belady"_s});
    QVERIFY(bench.idle());
    QCOMPARE(bench.panel.points().rowCount(), 8);
    const simulate::Figures expected =
        alone(sample(u"thrashing"_s), {{"link", "nvme7"}, {"cache-experts", "48"}, {"cache", "belady"}});
    const SweptPoint& point = bench.panel.points().points()[5];
    QVERIFY(point.values == (std::vector<std::string>{"48", "belady"}));
    QCOMPARE(point.figures.hits, expected.hits);
    QCOMPARE(point.figures.timedNs, expected.timedNs);
    const SweepPicture& picture = bench.panel.view().picture();
    QCOMPARE(picture.lines.size(), 2U);
    for (std::size_t i = 0; i < 4; ++i)
        QVERIFY(picture.lines[0].y[i] <= picture.lines[0].bound[i] + 1e-12);
    PanelBench::settle();
    bench.picture(bench.panel, u"simulator-sweep"_s);
    bench.panel.setFigure(1);
    PanelBench::settle();
    QVERIFY(bench.panel.view().picture().lines[0].bound.empty());
    bench.picture(bench.panel, u"simulator-sweep-time"_s);
}

void SimulatorPanelTest::aPointOpensItsScenario() {
    SimulatorBench bench;
    QVERIFY(bench.opened);
    bench.sweepOver(u"cache-experts"_s, u"16:64:16"_s);
    QVERIFY(bench.idle());
    PanelBench::settle();
    QWidget& plot = bench.panel.plot().plot();
    const QPoint at = bench.panel.view().lines().pixelOf(SweepSpot{0, 2}).toPoint();
    QTest::mouseMove(&plot, at);
    QVERIFY(bench.panel.plot().readout().contains(u"cache-experts 48"_s));
    QTest::mouseClick(&plot, Qt::LeftButton, {}, at);
    QCOMPARE(bench.panel.wish().settings.value(u"cache-experts"_s), u"48"_s);
    QCOMPARE(bench.figure(kHitRateFigure, ResultModel::Estimate).toDouble(),
             bench.panel.points().points()[2].figures.hitRate());
    QTest::keyClick(&plot, Qt::Key_Left);
    QTest::keyClick(&plot, Qt::Key_Return);
    QCOMPARE(bench.panel.wish().settings.value(u"cache-experts"_s), u"32"_s);
    QCOMPARE(bench.panel.points().rowCount(), 4); // the sweep stays
    bench.panel.undoStack().undo();
    QCOMPARE(bench.panel.wish().settings.value(u"cache-experts"_s), u"48"_s);
}

void SimulatorPanelTest::undoTakesAnEditBack() {
    SimulatorBench bench;
    auto* box = qobject_cast<QComboBox*>(bench.panel.editor().field(u"cache"_s));
    box->setCurrentIndex(box->findData(u"lcu"_s));
    Q_EMIT box->activated(box->currentIndex());
    QCOMPARE(bench.panel.wish().settings.value(u"cache"_s), u"lcu"_s);
    bench.panel.undoStack().undo();
    QVERIFY(!bench.panel.wish().settings.contains(u"cache"_s));
    QCOMPARE(box->currentIndex(), 0);
    bench.panel.undoStack().redo();
    QCOMPARE(box->currentData().toString(), u"lcu"_s);
    auto* link = qobject_cast<QComboBox*>(bench.panel.editor().field(u"link"_s));
    link->setEditText(u"12.5"_s);
    Q_EMIT link->lineEdit()->editingFinished();
    QCOMPARE(bench.panel.wish().settings.value(u"link"_s), u"12.5"_s);
    QVERIFY(box->itemText(box->count() - 1).contains(u"bound"_s));
}

void SimulatorPanelTest::whatCannotBeIsSaid() {
    SimulatorBench bench;
    QVERIFY(bench.opened);
    bench.set(u"link"_s, u"wet string"_s);
    QVERIFY(bench.panel.note().contains(u"wet string"_s));
    QVERIFY(!bench.panel.menuActions()[0]->isEnabled());
    bench.panel.undoStack().undo();
    QCOMPARE(bench.panel.note(), QString());
    QVERIFY(bench.panel.menuActions()[0]->isEnabled());
    bench.set(u"prefetch"_s, u"next-layer"_s);
    bench.set(u"prefetch-depth"_s, u"3"_s);
    bench.panel.simulate();
    QVERIFY(bench.idle());
    QVERIFY(bench.panel.note().contains(u"ahead"_s)); // the recording foresees less
    QVERIFY(bench.panel.results().empty());
}

void SimulatorPanelTest::canBeCancelled() {
    SimulatorBench bench;
    QVERIFY(bench.opened);
    bench.sweepOver(u"cache-experts"_s, u"8:64:1"_s, {u"link"_s, u"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20"_s});
    QVERIFY(bench.panel.runner().running());
    bench.panel.cancel();
    QVERIFY(bench.idle());
    QVERIFY(bench.panel.points().rowCount() < 57 * 20);
    QVERIFY(bench.panel.note().contains(u"Cancelled"_s));
    bench.sweepOver(u"cache-experts"_s, u"16:32:16"_s); // and works again
    QVERIFY(bench.idle());
    QCOMPARE(bench.panel.points().rowCount(), 2);
}

void SimulatorPanelTest::opensAsASessionOfItsOwn() {
    SimulatorBench bench;
    QVERIFY(bench.opened);
    QTemporaryDir folder;
    bench.panel.setFolder(folder.path());
    QSignalSpy opens(&bench.panel, &SimulatorPanel::openRequested);
    bench.set(u"cache-experts"_s, u"24"_s);
    for (const char* name : {"thrashing_simulated.moescope", "thrashing_simulated_2.moescope"}) {
        bench.panel.openAsSession();
        QVERIFY(bench.idle());
        QVERIFY2(!opens.isEmpty(), qPrintable(bench.panel.note()));
        const QString path = opens.takeLast()[0].toString();
        QCOMPARE(path, folder.filePath(QString::fromLatin1(name)));
        session::SessionReader reader(path.toStdString());
        QVERIFY(reader.info().origin == session::Origin::Simulated);
        QVERIFY(reader.verify().empty());
        QCOMPARE(reader.info().id.size(), 32U);
        QVERIFY(reader.info().title.find("cache-experts 24") != std::string::npos);
    }
}

void SimulatorPanelTest::copiesACommandLine() {
    SimulatorBench bench;
    bench.set(u"cache"_s, u"lfu"_s);
    bench.panel.copyCommandLine();
    QCOMPARE(QGuiApplication::clipboard()->text(), u"moescope-engine simulate %1 --cache lfu"_s.arg(sample(u"thrashing"_s)));
}

void SimulatorPanelTest::liveSessionsAreSimulatedUpToNow() {
    SimulatorBench bench(QString{});
    SampleSession session({.file = sample(u"thrashing"_s).toStdString()});
    session.edit().live = true;
    bench.feed.showSnapshot(session.snapshot());
    QVERIFY(bench.panel.menuActions()[0]->toolTip().contains(u"still recorded"_s));
    bench.panel.simulate();
    QVERIFY(bench.idle());
    QVERIFY2(bench.panel.note().startsWith(u"Up to token"_s), qPrintable(bench.panel.note()));
}

void SimulatorPanelTest::anotherSessionStartsAnew() {
    SimulatorBench bench;
    QVERIFY(bench.opened);
    bench.set(u"cache"_s, u"lfu"_s);
    bench.sweepOver(u"cache-experts"_s, u"8:64:8"_s);
    bench.feed.open(sample(u"prefetch"_s));
    QVERIFY(QTest::qWaitFor([&] { return bench.feed.snapshot()->file == sample(u"prefetch"_s).toStdString(); }, 20'000));
    QVERIFY(bench.idle());
    QCOMPARE(bench.panel.points().rowCount(), 0);
    QVERIFY(bench.panel.results().empty());
    QCOMPARE(bench.panel.note(), QString());
    QCOMPARE(bench.panel.wish().settings.value(u"cache"_s), u"lfu"_s); // the question stays, to be asked again
}

void SimulatorPanelTest::exportsPictureAndTable() {
    SimulatorBench bench;
    QVERIFY(bench.opened);
    bench.sweepOver(u"cache"_s, u"lru,lfu,lcu,belady"_s);
    QVERIFY(bench.idle());
    PanelBench::settle();
    bench.picture(bench.panel, u"simulator-words"_s);
    QTemporaryDir folder;
    for (const char* suffix : {"png", "svg", "pdf", "csv"}) {
        const QString path = folder.filePath(u"sweep."_s + QString::fromLatin1(suffix));
        QCOMPARE(bench.panel.plot().exportTo(path), QString());
        QVERIFY(QFileInfo(path).size() > 200);
    }
    QFile file(folder.filePath(u"sweep.csv"_s));
    QVERIFY(file.open(QIODevice::ReadOnly));
    const QString text = QString::fromUtf8(file.readAll());
    QVERIFY(text.startsWith(u"cache,hit rate,offline optimum,"_s));
    QCOMPARE(text.count(u"\r\n"_s), 5);
}

QTEST_MAIN(SimulatorPanelTest)
#include "simulator_panel_test.moc"

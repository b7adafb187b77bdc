#include "tests/ui/support/panel_bench.h"
#include "ui/plot/table_text.h"
#include "ui/stats/stats_model.h"
#include "ui/stats/stats_panel.h"

#include <QAbstractItemModelTester>
#include <QTableView>
#include <QTemporaryDir>

using namespace moescope;
using namespace moescope::ui;
using namespace moescope::ui::test;

class StatsPanelTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void everyFigureHasAMeaning();
    void figuresAreTheSummarys();
    void namesTheGlobalLruTrap();
    void choosesTheLayerOfARow();
    void exportsBothTables();
    void saysWhatTheGateCosts();

private:
    static const StatsLine* find(const std::vector<StatsLine>& lines, const char* name) {
        for (const StatsLine& line : lines)
            if (line.name == QString::fromUtf8(name))
                return &line;
        return nullptr;
    }
};

void StatsPanelTest::everyFigureHasAMeaning() {
    int figures = 0;
    for (const StatsLine& line : statsLines(*SampleSession().snapshot())) {
        QVERIFY2(line.heading || !line.meaning.isEmpty(), qPrintable(line.name));
        figures += line.heading ? 0 : 1;
    }
    QVERIFY(figures >= 30);
}

void StatsPanelTest::figuresAreTheSummarys() {
    const auto snapshot = SampleSession().snapshot();
    const auto lines = statsLines(*snapshot);
    QCOMPARE(find(lines, "hit rate")->raw.toDouble(), snapshot->summary.hitRate);
    QCOMPARE(find(lines, "hits")->raw.toLongLong(), snapshot->summary.hits);
    QCOMPARE(find(lines, "bytes, demand")->raw.toLongLong(), snapshot->summary.bytesDemand);
    QCOMPARE(find(lines, "overlap")->text, QStringLiteral("64 %"));
    QCOMPARE(find(lines, "recall")->text, QStringLiteral("–"));
    QVERIFY(!find(lines, "recall")->raw.isValid());
}

void StatsPanelTest::namesTheGlobalLruTrap() {
    SampleSession session;
    QVERIFY(cacheTrap(*session.snapshot()).isEmpty());
    analysis::Summary& summary = session.edit().summary;
    summary.poolSlots = 12;
    summary.expertsPerToken = 12.5;
    summary.poolCollapse = true;
    const QString trap = cacheTrap(*session.snapshot());
    QVERIFY(trap.contains(QStringLiteral("pool of 12 slots")));
    QVERIFY(trap.contains(QStringLiteral("13 slots or more")));
}

void StatsPanelTest::choosesTheLayerOfARow() {
    PanelBench bench;
    StatsPanel panel(bench.feed, bench.selection, bench.theme);
    QAbstractItemModelTester figures(const_cast<StatsModel*>(&panel.model()),
                                     QAbstractItemModelTester::FailureReportingMode::QtTest);
    QAbstractItemModelTester layers(const_cast<LayerStatsModel*>(&panel.layerModel()),
                                    QAbstractItemModelTester::FailureReportingMode::QtTest);
    bench.feed.showSnapshot(SampleSession().snapshot());
    PanelBench::present(panel, {752, 240});
    bench.picture(panel, QStringLiteral("statistics"));
    QTableView* table = nullptr;
    for (QTableView* view : panel.findChildren<QTableView*>())
        if (view->model() == &panel.layerModel())
            table = view;
    QVERIFY(table != nullptr);
    table->selectRow(3);
    QCOMPARE(bench.selection.chosen().layer, std::optional(trace::Layer(3)));
    Selection::Target target;
    target.layer = trace::Layer(6);
    bench.selection.choose(target);
    QCOMPARE(table->selectionModel()->selectedRows().value(0).row(), 6);
    QCOMPARE(bench.selection.chosen(), target);
}

void StatsPanelTest::exportsBothTables() {
    PanelBench bench;
    StatsPanel panel(bench.feed, bench.selection, bench.theme);
    const auto snapshot = SampleSession().snapshot();
    bench.feed.showSnapshot(snapshot);
    PanelBench::present(panel, {752, 240});
    QTemporaryDir folder;
    const QString path = folder.filePath(QStringLiteral("figures.csv"));
    QCOMPARE(panel.exportCsv(path), QString());
    QFile file(path);
    QVERIFY(file.open(QIODevice::ReadOnly));
    const QString text = QString::fromUtf8(file.readAll());
    QVERIFY(text.contains(QStringLiteral("\r\nhits,%1\r\n").arg(snapshot->summary.hits)));
    QVERIFY(text.contains(QStringLiteral("\r\nlayer 7,4,")));
    QVERIFY(!panel.exportCsv(folder.filePath(QStringLiteral("no/such/folder.csv"))).isEmpty());
}

void StatsPanelTest::saysWhatTheGateCosts() {
    SampleSession session;
    for (auto& [name, value] : session.edit().settings)
        if (name == "gate-threshold")
            value = "0.015";
    session.edit().summary.meanExpertsPerTokenLayer = 1.75;
    const auto lines = statsLines(*session.snapshot());
    QVERIFY(std::abs(find(lines, "KL to the whole top-k")->raw.toDouble() - 0.015) < 1e-9);
    QVERIFY(find(lines, "as a quantisation loss")->text.startsWith(QStringLiteral("between Q8_0 and Q4_0")));
    QVERIFY(find(lines, "KL to the whole top-k")->meaning.contains(QStringLiteral("a made-up text")));
    QCOMPARE(find(lines, "fewer executions")->raw.toDouble(), 0.125);
    session.edit().calibration.reset();
    QVERIFY(find(statsLines(*session.snapshot()), "KL to the whole top-k") == nullptr);
}

QTEST_MAIN(StatsPanelTest)
#include "stats_panel_test.moc"

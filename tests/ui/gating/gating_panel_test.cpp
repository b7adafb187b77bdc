#include "tests/ui/support/panel_bench.h"
#include "ui/gating/gating_geometry.h"
#include "ui/gating/gating_model.h"
#include "ui/gating/gating_panel.h"
#include "ui/plot/custom_plot.h"
#include "ui/plot/plot_widget.h"

#include <QAbstractItemModelTester>
#include <QSignalSpy>

using namespace moescope;
using namespace moescope::ui;
using namespace moescope::ui::test;

class GatingPanelTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void thresholdAndShareAreInverse();
    void countsWhatWouldBeDropped();
    void readsTheSessionsSensitivities();
    void draggingTheLineSetsTheThresholdWhileLive();
    void draggingInAReplayChangesNothing();
    void theLayerFollowsTheSelection();

private:
    static void drag(PanelBench& bench, GatingPanel& panel, double share) {
        QWidget& plot = panel.plot().plot();
        const QCPAxis* axis = panel.plot().plot().axisRect(0)->axis(QCPAxis::atBottom);
        const QPoint from(static_cast<int>(panel.thresholdHandle().x()), static_cast<int>(panel.thresholdHandle().y()) + 20);
        const QPoint to(static_cast<int>(axis->coordToPixel(share)), from.y());
        QTest::mousePress(&plot, Qt::LeftButton, {}, from);
        QTest::mouseMove(&plot, (from + to) / 2);
        QTest::mouseMove(&plot, to);
        QTest::mouseRelease(&plot, Qt::LeftButton, {}, to);
        Q_UNUSED(bench);
    }
};

void GatingPanelTest::thresholdAndShareAreInverse() {
    for (const double w : {0.2, 0.75, 1.0, 3.0})
        for (const double share : {0.0, 0.1, 0.33, 0.5})
            QVERIFY(std::abs(shareAtThreshold(thresholdAtShare(share, w), w) - share) < 1e-12);
    // AdapMoE drops while share^2 * w <= T.
    const double at = shareAtThreshold(0.018, 0.75);
    QVERIFY(at * at * 0.75 <= 0.018 + 1e-12);
    QVERIFY((at + 0.001) * (at + 0.001) * 0.75 > 0.018);
}

void GatingPanelTest::countsWhatWouldBeDropped() {
    analysis::GateHistogram histogram;
    histogram.upper = 0.5;
    histogram.kept = {0, 2, 4, 4};
    histogram.dropped = {6, 4, 0, 0};
    histogram.decisions = 20;
    QCOMPARE(wouldDrop(histogram, 0.25), 0.6);
    QCOMPARE(wouldDrop(histogram, 0.5), 1.0);
    QCOMPARE(wouldDrop(histogram, 0.0), 0.0);
    QCOMPARE(wouldDrop({}, 0.2), -1.0);
}

void GatingPanelTest::readsTheSessionsSensitivities() {
    SampleSession session;
    const auto known = gateFacts(*session.snapshot()).sensitivities;
    QCOMPARE(known.size(), std::size_t{8});
    QVERIFY(std::abs(known[2] - 0.7) < 1e-6);
    auto info = std::make_shared<session::SessionInfo>(*session.edit().info);
    info->sensitivity.clear();
    session.edit().info = info;
    QVERIFY(gateFacts(*session.snapshot()).sensitivities.empty());
}

void GatingPanelTest::draggingTheLineSetsTheThresholdWhileLive() {
    PanelBench bench;
    GatingPanel panel(bench.feed, bench.selection, bench.commands, bench.theme);
    QAbstractItemModelTester tester(const_cast<GatingModel*>(&panel.model()),
                                    QAbstractItemModelTester::FailureReportingMode::QtTest);
    QSignalSpy sent(&bench.commands, &Commands::settingRequested);
    SampleShape shape;
    shape.live = true;
    SampleSession session(shape);
    bench.feed.showSnapshot(session.snapshot());
    PanelBench::present(panel, {270, 290});
    bench.picture(panel, QStringLiteral("gating"));
    const double mean = meanSensitivity(gateFacts(*session.snapshot()).sensitivities);
    drag(bench, panel, 0.25);
    QVERIFY(!sent.isEmpty());
    QCOMPARE(sent.back()[0].toString(), QStringLiteral("gate-threshold"));
    const double asked = sent.back()[1].toString().toDouble();
    QVERIFY2(std::abs(shareAtThreshold(asked, mean) - 0.25) < 0.01, qPrintable(sent.back()[1].toString()));
    // Once the engine obeyed, the line stands where it was put and is no longer pending.
    for (auto& [name, value] : session.edit().settings)
        if (name == "gate-threshold")
            value = sent.back()[1].toString().toStdString();
    bench.feed.showSnapshot(session.snapshot());
    PanelBench::settle();
    const QCPAxis* axis = panel.plot().plot().axisRect(0)->axis(QCPAxis::atBottom);
    QVERIFY(std::abs(axis->pixelToCoord(panel.thresholdHandle().x()) - 0.25) < 0.01);
}

void GatingPanelTest::draggingInAReplayChangesNothing() {
    PanelBench bench;
    GatingPanel panel(bench.feed, bench.selection, bench.commands, bench.theme);
    QSignalSpy sent(&bench.commands, &Commands::settingRequested);
    bench.feed.showSnapshot(SampleSession().snapshot());
    PanelBench::present(panel, {270, 290});
    drag(bench, panel, 0.35);
    QCOMPARE(sent.size(), 0);
    const QCPAxis* axis = panel.plot().plot().axisRect(0)->axis(QCPAxis::atBottom);
    QVERIFY(std::abs(axis->pixelToCoord(panel.thresholdHandle().x()) - 0.35) < 0.01);
    QTest::keyClick(&panel.plot().plot(), Qt::Key_Escape);
    QVERIFY(std::abs(axis->pixelToCoord(panel.thresholdHandle().x()) - 0.35) > 0.02);
}

void GatingPanelTest::theLayerFollowsTheSelection() {
    PanelBench bench;
    GatingPanel panel(bench.feed, bench.selection, bench.commands, bench.theme);
    const auto snapshot = SampleSession().snapshot();
    bench.feed.showSnapshot(snapshot);
    PanelBench::present(panel, {270, 290});
    QCOMPARE(panel.layer(), -1);
    Selection::Target target;
    target.layer = trace::Layer(5);
    bench.selection.choose(target);
    PanelBench::settle();
    QCOMPARE(panel.layer(), 5);
    QVERIFY(panel.caption().startsWith(QStringLiteral("layer 5")));
    const analysis::LayerRecord& life = snapshot->layerLives[5];
    const double single = static_cast<double>(life.single) / static_cast<double>(life.decisions);
    QVERIFY(std::abs(panel.model().index(5, 1).data(Qt::EditRole).toDouble() - single) < 1e-9);
    bench.picture(panel, QStringLiteral("gating-layer"));
    bench.selection.choose({});
    QCOMPARE(panel.layer(), -1);
}

QTEST_MAIN(GatingPanelTest)
#include "gating_panel_test.moc"

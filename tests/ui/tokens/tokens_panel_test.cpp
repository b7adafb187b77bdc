#include "tests/ui/support/panel_bench.h"
#include "ui/plot/custom_plot.h"
#include "ui/plot/plot_widget.h"
#include "ui/tokens/tokens_model.h"
#include "ui/tokens/tokens_panel.h"

#include <QAbstractItemModelTester>
#include <numeric>

using namespace moescope;
using namespace moescope::ui;
using namespace moescope::ui::test;

class TokensPanelTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void partsAddUpToThePass();
    void ordersByWhatIsAsked();
    void aPrefillDoesNotFlattenTheRest();
    void tableGrowsWithTheSession();
    void clickChoosesTheToken();
    void shiftDragSelectsTheTokensTime();
};

void TokensPanelTest::partsAddUpToThePass() {
    const auto snapshot = SampleSession().snapshot();
    for (std::size_t i = 0; i < snapshot->passes.size(); ++i) {
        const auto& pass = snapshot->passes[i];
        const TokenParts parts = partsOf(pass);
        QCOMPARE(std::accumulate(parts.begin(), parts.end(), trace::TimeNs{0}), pass.end - pass.begin);
        QCOMPARE(parts[static_cast<std::size_t>(TokenPart::Stall)], pass.stallNs);
    }
}

void TokensPanelTest::ordersByWhatIsAsked() {
    const auto snapshot = SampleSession().snapshot();
    const auto byStall = orderedPasses(*snapshot, TokenOrder::Stall);
    QCOMPARE(byStall.size(), snapshot->passes.size());
    for (std::size_t i = 1; i < byStall.size(); ++i)
        QVERIFY(snapshot->passes[static_cast<std::size_t>(byStall[i - 1])].stallNs >=
                snapshot->passes[static_cast<std::size_t>(byStall[i])].stallNs);
    const auto byIndex = orderedPasses(*snapshot, TokenOrder::Index);
    QVERIFY(std::is_sorted(byIndex.begin(), byIndex.end()));
}

void TokensPanelTest::aPrefillDoesNotFlattenTheRest() {
    SampleShape shape;
    shape.promptTokens = 200;
    const auto snapshot = SampleSession(shape).snapshot();
    trace::TimeNs longestDecode = 0;
    for (std::size_t i = 1; i < snapshot->passes.size(); ++i)
        longestDecode = std::max(longestDecode, snapshot->passes[i].end - snapshot->passes[i].begin);
    const trace::TimeNs prefill = snapshot->passes[0].end - snapshot->passes[0].begin;
    QVERIFY(prefill > 5 * longestDecode);
    QVERIFY(axisTop(*snapshot) < 2 * longestDecode);
}

void TokensPanelTest::tableGrowsWithTheSession() {
    PanelBench bench;
    TokensPanel panel(bench.feed, bench.selection, bench.theme);
    QAbstractItemModelTester tester(const_cast<TokensModel*>(&panel.model()),
                                    QAbstractItemModelTester::FailureReportingMode::QtTest);
    SampleShape shape;
    shape.decoded = 20;
    bench.feed.showSnapshot(SampleSession(shape).snapshot());
    PanelBench::present(panel, {752, 170});
    QCOMPARE(panel.model().rowCount(), 21);
    shape.decoded = 60;
    bench.feed.showSnapshot(SampleSession(shape).snapshot());
    PanelBench::settle();
    QCOMPARE(panel.model().rowCount(), 61);
    QCOMPARE(panel.model().index(30, 0).data().toInt(), 41);
    bench.picture(panel, QStringLiteral("tokens"));
    panel.setOrder(TokenOrder::Bytes);
    PanelBench::settle();
    QVERIFY(panel.model().index(0, 11).data(Qt::EditRole).toDouble() >=
            panel.model().index(1, 11).data(Qt::EditRole).toDouble());
}

void TokensPanelTest::clickChoosesTheToken() {
    PanelBench bench;
    TokensPanel panel(bench.feed, bench.selection, bench.theme);
    bench.feed.showSnapshot(SampleSession().snapshot());
    PanelBench::present(panel, {752, 170});
    const QCPAxis* axis = panel.plot().plot().axisRect(0)->axis(QCPAxis::atBottom);
    const QPoint at(static_cast<int>(axis->coordToPixel(10.4)), 80);
    QTest::mouseMove(&panel.plot().plot(), at);
    QCOMPARE(bench.selection.hovered().token, std::optional(trace::TokenIndex(21)));
    QVERIFY(panel.plot().readout().contains(QStringLiteral("exposed transfer")));
    QTest::mouseClick(&panel.plot().plot(), Qt::LeftButton, {}, at);
    QCOMPARE(bench.selection.chosen().token, std::optional(trace::TokenIndex(21)));
    QTest::keyClick(&panel.plot().plot(), Qt::Key_Right);
    QCOMPARE(bench.selection.chosen().token, std::optional(trace::TokenIndex(22)));
}

void TokensPanelTest::shiftDragSelectsTheTokensTime() {
    PanelBench bench;
    TokensPanel panel(bench.feed, bench.selection, bench.theme);
    const auto snapshot = SampleSession().snapshot();
    bench.feed.showSnapshot(snapshot);
    PanelBench::present(panel, {752, 170});
    QWidget& plot = panel.plot().plot();
    const QCPAxis* axis = panel.plot().plot().axisRect(0)->axis(QCPAxis::atBottom);
    const QPoint from(static_cast<int>(axis->coordToPixel(10.5)), 80);
    const QPoint to(static_cast<int>(axis->coordToPixel(14.5)), 80);
    QTest::mousePress(&plot, Qt::LeftButton, Qt::ShiftModifier, from);
    QTest::mouseMove(&plot, to);
    QTest::mouseRelease(&plot, Qt::LeftButton, Qt::ShiftModifier, to);
    QVERIFY(bench.selection.timeRange().has_value());
    QCOMPARE(bench.selection.timeRange()->begin, snapshot->passes[10].begin);
    QCOMPARE(bench.selection.timeRange()->end, snapshot->passes[14].end);
}

QTEST_MAIN(TokensPanelTest)
#include "tokens_panel_test.moc"

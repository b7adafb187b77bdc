#include "tests/ui/support/panel_bench.h"
#include "ui/experts/experts_panel.h"
#include "ui/plot/custom_plot.h"
#include "ui/plot/plot_widget.h"

#include <QAbstractItemModelTester>
#include <QSignalSpy>

using namespace moescope;
using namespace moescope::ui;
using namespace moescope::ui::test;

class ExpertsPanelTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void countsWhatTheTokensChose();
    void hoverAndClickSelectTheExpertEverywhere();
    void arrowKeysMoveTheChosenCell();
    void theSelectedRangeRules();
    void saysWhatWillAppearWhileEmpty();
    void pointingRedrawsOnlyTheOverlay();

private:
    /// Times that the tokens of the range ran the expert, counted from the records.
    static int ran(const analysis::Snapshot& s, int layer, int expert, int begin, int end) {
        int count = 0;
        for (int token = begin; token < end; ++token) {
            const analysis::ChoiceRecord& choice = s.choices[static_cast<std::size_t>(token * s.layers + layer)];
            for (int i = 0; i < choice.kept; ++i)
                count += choice.ids[static_cast<std::size_t>(i)] == expert ? 1 : 0;
        }
        return count;
    }
    static QPoint centreOf(const ExpertsPanel& panel, int layer, int expert) {
        const QCPAxisRect* rect = panel.plot().plot().axisRect(0);
        const QRectF area(rect->rect());
        return {static_cast<int>(area.left() + (expert + 0.5) * area.width() / 8),
                static_cast<int>(area.top() + (layer + 0.5) * area.height() / 8)};
    }
};

void ExpertsPanelTest::countsWhatTheTokensChose() {
    PanelBench bench;
    ExpertsPanel panel(bench.feed, bench.selection, bench.theme);
    QSignalSpy captions(&panel, &ExpertsPanel::captionChanged);
    QAbstractItemModelTester tester(const_cast<ExpertsModel*>(&panel.model()),
                                    QAbstractItemModelTester::FailureReportingMode::QtTest);
    panel.setValue(analysis::UsageValue::Count);
    const auto snapshot = SampleSession().snapshot();
    bench.feed.showSnapshot(snapshot);
    PanelBench::present(panel, {386, 290});
    QCOMPARE(panel.model().rowCount(), 9);
    for (int layer = 0; layer < 8; ++layer)
        for (int expert = 0; expert < 8; ++expert)
            QCOMPARE(panel.model().index(layer, expert).data(Qt::EditRole).toInt(), ran(*snapshot, layer, expert, 8, 72));
    QCOMPARE(panel.caption(), QStringLiteral("window: last 64 tokens"));
    QCOMPARE(captions.size(), 1);
    panel.setScope(ExpertsPanel::Scope::Session);
    PanelBench::settle();
    QCOMPARE(panel.model().index(3, 3).data(Qt::EditRole).toInt(), ran(*snapshot, 3, 3, 0, 72));
    panel.setValue(analysis::UsageValue::Share);
    panel.setScope(ExpertsPanel::Scope::Window);
    PanelBench::settle();
    bench.picture(panel, QStringLiteral("experts"));
}

void ExpertsPanelTest::hoverAndClickSelectTheExpertEverywhere() {
    PanelBench bench;
    ExpertsPanel panel(bench.feed, bench.selection, bench.theme);
    bench.feed.showSnapshot(SampleSession().snapshot());
    PanelBench::present(panel, {386, 290});
    QTest::mouseMove(&panel.plot().plot(), centreOf(panel, 5, 2));
    QCOMPARE(bench.selection.hovered().expert, std::optional(trace::expertKey(5, 2)));
    QVERIFY(panel.plot().readout().contains(QStringLiteral("layer 5 · expert 2")));
    QTest::mouseClick(&panel.plot().plot(), Qt::LeftButton, {}, centreOf(panel, 6, 7));
    QCOMPARE(bench.selection.chosen().expert, std::optional(trace::expertKey(6, 7)));
    QCOMPARE(bench.selection.chosen().layer, std::optional(trace::Layer(6)));
}

void ExpertsPanelTest::arrowKeysMoveTheChosenCell() {
    PanelBench bench;
    ExpertsPanel panel(bench.feed, bench.selection, bench.theme);
    bench.feed.showSnapshot(SampleSession().snapshot());
    PanelBench::present(panel, {386, 290});
    Selection::Target start;
    start.expert = trace::expertKey(0, 6);
    bench.selection.choose(start);
    for (const Qt::Key key : {Qt::Key_Right, Qt::Key_Right, Qt::Key_Down, Qt::Key_Up, Qt::Key_Up, Qt::Key_Down})
        QTest::keyClick(&panel.plot().plot(), key);
    QCOMPARE(bench.selection.chosen().expert, std::optional(trace::expertKey(1, 7)));
    QTest::keyClick(&panel.plot().plot(), Qt::Key_Escape);
    QVERIFY(bench.selection.chosen().empty());
}

void ExpertsPanelTest::theSelectedRangeRules() {
    PanelBench bench;
    ExpertsPanel panel(bench.feed, bench.selection, bench.theme);
    panel.setValue(analysis::UsageValue::Count);
    const auto snapshot = SampleSession().snapshot();
    bench.feed.showSnapshot(snapshot);
    PanelBench::present(panel, {386, 290});
    const auto& first = snapshot->passes[10];
    const auto& last = snapshot->passes[12];
    bench.selection.setTimeRange(Selection::TimeRange{first.begin, last.end});
    PanelBench::settle();
    QCOMPARE(panel.caption(), QStringLiteral("selected range: 3 tokens"));
    const int token = first.firstToken.value;
    QCOMPARE(panel.model().index(4, 4).data(Qt::EditRole).toInt(), ran(*snapshot, 4, 4, token, token + 3));
    bench.selection.setTimeRange(std::nullopt);
    PanelBench::settle();
    QCOMPARE(panel.caption(), QStringLiteral("window: last 64 tokens"));
}

void ExpertsPanelTest::saysWhatWillAppearWhileEmpty() {
    PanelBench bench;
    ExpertsPanel panel(bench.feed, bench.selection, bench.theme);
    PanelBench::present(panel, {386, 290});
    bool said = false;
    for (const QLabel* label : panel.findChildren<QLabel*>())
        said = said || (label->isVisible() && label->text().contains(QStringLiteral("Send a message")));
    QVERIFY(said);
    bench.picture(panel, QStringLiteral("experts-empty"));
}

void ExpertsPanelTest::pointingRedrawsOnlyTheOverlay() {
    PanelBench bench;
    ExpertsPanel panel(bench.feed, bench.selection, bench.theme);
    bench.feed.showSnapshot(SampleSession().snapshot());
    PanelBench::present(panel, {386, 270});
    int replots = 0;
    connect(&panel.plot().plot(), &QCustomPlot::afterReplot, this, [&replots] { ++replots; });
    const QRectF area(panel.plot().plot().axisRect(0)->rect());
    for (int i = 0; i < 8; ++i) {
        QTest::mouseMove(&panel.plot().plot(),
                         (area.topLeft() + QPointF((i + 0.5) * area.width() / 8, area.height() / 2)).toPoint());
        QTest::qWait(5);
    }
    QCOMPARE(bench.selection.hovered().expert->expert.value, 7);
    QCOMPARE(replots, 0);
}

QTEST_MAIN(ExpertsPanelTest)
#include "experts_panel_test.moc"

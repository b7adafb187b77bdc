#include "tests/ui/support/panel_bench.h"
#include "ui/cache/cache_panel.h"
#include "ui/plot/custom_plot.h"
#include "ui/plot/plot_widget.h"
#include "ui/plot/token_experts.h"

#include <QAbstractItemModelTester>

using namespace moescope;
using namespace moescope::ui;
using namespace moescope::ui::test;

class CachePanelTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void showsEveryExpertsState();
    void saysWhyAnExpertIsHere();
    void paintsResidentsInTheirColour();
    void movesWithTheCursor();
};

void CachePanelTest::showsEveryExpertsState() {
    PanelBench bench;
    CachePanel panel(bench.feed, bench.selection, bench.theme);
    QAbstractItemModelTester tester(const_cast<CacheModel*>(&panel.model()),
                                    QAbstractItemModelTester::FailureReportingMode::QtTest);
    const auto snapshot = SampleSession().snapshot();
    bench.feed.showSnapshot(snapshot);
    PanelBench::present(panel, {360, 290});
    static const QStringList kWords{QStringLiteral("absent"), QStringLiteral("loading"), QStringLiteral("resident")};
    int used = 0;
    for (int layer = 0; layer < 8; ++layer)
        for (int expert = 0; expert < 8; ++expert) {
            const int state = snapshot->residency.state[static_cast<std::size_t>(layer * 8 + expert)];
            used += state > 0 ? 1 : 0;
            QCOMPARE(panel.model().index(layer, expert).data().toString(), kWords[state]);
        }
    const analysis::LayerRecord& life = snapshot->layerLives[5];
    QCOMPARE(panel.model().index(5, 10).data(Qt::EditRole).toDouble(),
             static_cast<double>(life.hits) / static_cast<double>(life.hits + life.misses));
    QVERIFY(panel.caption().startsWith(QStringLiteral("%1 of 32 slots").arg(std::min(used, 32))));
    bench.picture(panel, QStringLiteral("cache"));
}

void CachePanelTest::saysWhyAnExpertIsHere() {
    SampleSession session;
    analysis::ExpertRecord& life = session.edit().expertLives[6 * 8 + 7];
    life = {};
    life.transfers = 7;
    life.bytes = 2'926'000;
    life.wasted = 3;
    life.residentSince = trace::TokenIndex(88);
    life.lastUsed = trace::TokenIndex(96);
    life.lastWeight = 0.81F;
    session.edit().residency.state[6 * 8 + 7] = 2;
    const QString words = whyHere(*session.snapshot(), trace::expertKey(6, 7));
    for (const char* part :
         {"layer 6 · expert 7", "loaded on demand at token 88", "token 96, weight 0.81", "7 transfers", "3 wasted"})
        QVERIFY2(words.contains(QString::fromUtf8(part)), part);
    QVERIFY(whyHere(*session.snapshot(), trace::expertKey(60, 7)).isEmpty());
}

void CachePanelTest::paintsResidentsInTheirColour() {
    PanelBench bench;
    CachePanel panel(bench.feed, bench.selection, bench.theme);
    SampleSession session;
    session.edit().residency.state.assign(64, 0);
    bench.feed.showSnapshot(session.snapshot());
    PanelBench::present(panel, {360, 290});
    const QColor resident = bench.theme.colour(Theme::Role::ResidentHigh);
    const int none = countColour(panel.grab().toImage(), resident);
    // Two cells that the last token did not use, so that no outline covers them.
    std::vector<std::size_t> free;
    for (std::size_t cell = 0; cell < 64; ++cell) {
        const auto used = expertsOf(*session.snapshot(), trace::TokenIndex(71));
        if (std::find(used.begin(), used.end(), trace::expertKey(static_cast<int>(cell) / 8, static_cast<int>(cell) % 8)) ==
            used.end())
            free.push_back(cell);
    }
    session.edit().residency.state[free[3]] = 2;
    bench.feed.showSnapshot(session.snapshot());
    PanelBench::settle();
    const int one = countColour(panel.grab().toImage(), resident);
    session.edit().residency.state[free[9]] = 2;
    bench.feed.showSnapshot(session.snapshot());
    PanelBench::settle();
    const int two = countColour(panel.grab().toImage(), resident);
    QVERIFY(one - none > 200);
    QVERIFY(std::abs((two - one) - (one - none)) < 60);
}

void CachePanelTest::movesWithTheCursor() {
    PanelBench bench;
    CachePanel panel(bench.feed, bench.selection, bench.theme);
    bench.feed.showSnapshot(SampleSession().snapshot());
    PanelBench::present(panel, {360, 290});
    const QRectF area(panel.plot().plot().axisRect(0)->rect());
    const QPoint at(static_cast<int>(area.left() + 2.5 * area.width() / 8),
                    static_cast<int>(area.top() + 3.5 * area.height() / 8));
    QTest::mouseMove(&panel.plot().plot(), at);
    QCOMPARE(bench.selection.hovered().expert, std::optional(trace::expertKey(3, 2)));
    QVERIFY(panel.plot().readout().contains(QStringLiteral("layer 3 · expert 2")));
}

QTEST_MAIN(CachePanelTest)
#include "cache_panel_test.moc"

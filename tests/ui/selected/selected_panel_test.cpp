#include "tests/ui/support/panel_bench.h"
#include "ui/selected/selected_panel.h"

#include <QAbstractItemModelTester>

using namespace moescope;
using namespace moescope::ui;
using namespace moescope::ui::test;

class SelectedPanelTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void tellsAboutAnExpert();
    void tellsAboutAToken();
    void tellsAboutATransfer();
    void hoveredBeatsChosen();

private:
    static QString valueOf(const SelectedSubject& subject, const char* name) {
        for (const SelectedRow& row : subject.rows)
            if (row.name == QString::fromUtf8(name))
                return row.value;
        return {};
    }
};

void SelectedPanelTest::tellsAboutAnExpert() {
    SampleSession session;
    for (int expert = 0; expert < 8; ++expert) {
        analysis::ExpertRecord& life = session.edit().expertLives[static_cast<std::size_t>(6 * 8 + expert)];
        life = {};
        life.hits = 9;
        life.misses = 1;
    }
    analysis::ExpertRecord& life = session.edit().expertLives[6 * 8 + 7];
    life.hits = 26;
    life.misses = 4;
    life.waitNs = 244'000;
    life.transfers = 7;
    life.bytes = 2'926'000;
    life.wasted = 3;
    life.residentSince = trace::TokenIndex(88);
    life.lastUsed = trace::TokenIndex(96);
    life.lastWeight = 0.81F;
    session.edit().residency.state[6 * 8 + 7] = 2;
    const SelectedSubject subject = describeExpert(*session.snapshot(), trace::expertKey(6, 7));
    QCOMPARE(subject.title, QStringLiteral("layer 6 · expert 7"));
    QCOMPARE(valueOf(subject, "chosen"), QStringLiteral("30 % of the layer (busiest)"));
    QCOMPARE(valueOf(subject, "resident since"), QStringLiteral("token 88, demand"));
    QCOMPARE(valueOf(subject, "last used"), QStringLiteral("token 96, weight 0.81"));
    QCOMPARE(valueOf(subject, "transfers"), QStringLiteral("7 · 2.93 MB · 3 wasted"));
    QCOMPARE(valueOf(subject, "mean wait"), QStringLiteral("61.0 µs"));
    QVERIFY(describeExpert(*session.snapshot(), trace::expertKey(80, 7)).rows.empty());
}

void SelectedPanelTest::tellsAboutAToken() {
    const auto snapshot = SampleSession().snapshot();
    const SelectedSubject subject = describeToken(*snapshot, trace::TokenIndex(22));
    QCOMPARE(valueOf(subject, "text"), QStringLiteral("“ pond”"));
    QCOMPARE(valueOf(subject, "probability"), QStringLiteral("0.607"));
    const auto& pass = snapshot->passes[static_cast<std::size_t>(snapshot->tokens[22].pass)];
    QCOMPARE(valueOf(subject, "hits · misses"), QStringLiteral("%1 · %2").arg(pass.hits).arg(pass.misses));
    QCOMPARE(valueOf(subject, "experts, by layer").count(u'|'), 7);
    QVERIFY(describeToken(*snapshot, trace::TokenIndex(9999)).rows.empty());
    QCOMPARE(valueOf(describeLayer(*snapshot, trace::Layer(3)), "sensitivity"), QStringLiteral("0.85"));
}

void SelectedPanelTest::tellsAboutATransfer() {
    trace::TransferSpan span;
    span.queuedAt = 1'000'000;
    span.begin = 1'250'000;
    span.end = 1'369'000;
    span.bytes = 418'000;
    span.key = trace::expertKey(3, 1);
    span.token = trace::TokenIndex(22);
    span.emulated = true;
    const SelectedSubject subject = describeTransfer(*SampleSession().snapshot(), span);
    QCOMPARE(valueOf(subject, "queue wait"), QStringLiteral("250 µs"));
    QCOMPARE(valueOf(subject, "lasts"), QStringLiteral("119 µs"));
    QCOMPARE(valueOf(subject, "speed"), QStringLiteral("3.51 GB/s (emulated)"));
    QCOMPARE(valueOf(subject, "asked for by"), QStringLiteral("token 22 “ pond”"));
}

void SelectedPanelTest::hoveredBeatsChosen() {
    PanelBench bench;
    SelectedPanel panel(bench.feed, bench.selection, bench.theme);
    QAbstractItemModelTester tester(const_cast<SelectedModel*>(&panel.model()),
                                    QAbstractItemModelTester::FailureReportingMode::QtTest);
    bench.feed.showSnapshot(SampleSession().snapshot());
    PanelBench::present(panel, {270, 200});
    QCOMPARE(panel.caption(), QStringLiteral("session"));
    Selection::Target chosen;
    chosen.expert = trace::expertKey(6, 7);
    bench.selection.choose(chosen);
    PanelBench::settle();
    QCOMPARE(panel.caption(), QStringLiteral("layer 6 · expert 7"));
    bench.picture(panel, QStringLiteral("selected"));
    Selection::Target hovered;
    hovered.token = trace::TokenIndex(30);
    bench.selection.hover(hovered);
    PanelBench::settle();
    QCOMPARE(panel.caption(), QStringLiteral("token 30"));
    bench.picture(panel, QStringLiteral("selected-token"));
    bench.selection.hover({});
    PanelBench::settle();
    QCOMPARE(panel.caption(), QStringLiteral("layer 6 · expert 7"));
}

QTEST_MAIN(SelectedPanelTest)
#include "selected_panel_test.moc"

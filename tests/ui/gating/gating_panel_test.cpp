#include "tests/ui/support/panel_bench.h"
#include "ui/gating/cost_model.h"
#include "ui/gating/gating_model.h"
#include "ui/gating/gating_panel.h"
#include "ui/gating/gating_view.h"
#include "ui/gating_geometry.h"
#include "ui/plot/custom_plot.h"
#include "ui/plot/plot_widget.h"

#include <QAbstractItemModelTester>
#include <QAction>
#include <QSignalSpy>
#include <QToolButton>

using namespace moescope;
using namespace moescope::ui;
using namespace moescope::ui::test;

class GatingPanelTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void thresholdAndShareAreInverse();
    void countsAnswersAndPromptsApart();
    void drawsWhatTheSettingCosts();
    void saysHowToGetCosts();
    void presetsFindTheirThreshold();
    void presetsOnlyTryInAReplay();
    void hobbitsBandsAreGuidance();
    void aLayerGetsItsOwnThreshold();
    void everythingHasAName();
    void arrowsMoveThresholdsWithoutAPlace();
    void countsWhatWouldBeDropped();
    void readsTheSessionsSensitivities();
    void draggingTheLineSetsTheThresholdWhileLive();
    void draggingInAReplayChangesNothing();
    void theLayerFollowsTheSelection();

private:
    static void set(SampleSession& session, const std::string& name, const std::string& value) {
        auto& settings = session.edit().settings;
        const auto known = std::find_if(settings.begin(), settings.end(), [&](const auto& one) { return one.first == name; });
        if (known == settings.end())
            settings.emplace_back(name, value);
        else
            known->second = value;
    }
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
    const auto known = gateFacts(*session.snapshot()).rule.sensitivity();
    QCOMPARE(known.size(), std::size_t{8});
    QVERIFY(std::abs(known[2] - 0.7) < 1e-6);
    set(session, "gate", "adapmoe-paper");
    QVERIFY(std::abs(gateFacts(*session.snapshot()).rule.sensitivity()[2] - 1.6) < 1e-6);
    session.edit().calibration.reset();
    QVERIFY(gateFacts(*session.snapshot()).rule.sensitivity().empty());
    QVERIFY(gateFacts(*session.snapshot()).rule.missing().contains(QStringLiteral("calibrat")));
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
    const double mean = meanSensitivity(gateFacts(*session.snapshot()).rule.sensitivity());
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

void GatingPanelTest::countsAnswersAndPromptsApart() {
    PanelBench bench;
    GatingPanel panel(bench.feed, bench.selection, bench.commands, bench.theme);
    const auto snapshot = SampleSession().snapshot();
    bench.feed.showSnapshot(snapshot);
    PanelBench::present(panel, {270, 290});
    int decode[2] = {0, 0};
    int prefill[2] = {0, 0};
    for (std::size_t i = 0; i < snapshot->choices.size(); ++i) {
        const analysis::ChoiceRecord& choice = snapshot->choices[i];
        int* count = choice.phase == trace::Phase::Decode ? decode : prefill;
        count[0] += choice.kept;
        ++count[1];
    }
    const GatingModel& model = panel.model();
    const int all = model.rowCount() - 1;
    QCOMPARE(model.index(all, GatingModel::DecodeCount).data().toInt(), decode[1]);
    QCOMPARE(model.index(all, GatingModel::PrefillCount).data().toInt(), prefill[1]);
    const double mean = static_cast<double>(decode[0]) / decode[1];
    QVERIFY(std::abs(model.index(all, GatingModel::DecodeMean).data(Qt::EditRole).toDouble() - mean) < 1e-9);
    QVERIFY(std::abs(model.index(all, GatingModel::DecodeFewer).data(Qt::EditRole).toDouble() - (1 - mean / 2)) < 1e-9);
    // The headline's three figures stand in the caption together.
    QVERIFY(panel.caption().contains(QStringLiteral("experts")));
    QVERIFY(panel.caption().contains(QStringLiteral("single")));
    QVERIFY(panel.caption().contains(QStringLiteral("−")));
}

void GatingPanelTest::drawsWhatTheSettingCosts() {
    PanelBench bench;
    GatingPanel panel(bench.feed, bench.selection, bench.commands, bench.theme);
    QAbstractItemModelTester tester(const_cast<CostModel*>(&panel.costModel()),
                                    QAbstractItemModelTester::FailureReportingMode::QtTest);
    SampleSession session;
    set(session, "gate-threshold", "0.015");
    bench.feed.showSnapshot(session.snapshot());
    panel.setPage(static_cast<int>(GatingPage::Cost));
    PanelBench::present(panel, {261, 250});
    // 0.015 is 0.06 * 0.5 squared: the point measured at 1.5 experts.
    QVERIFY(panel.view().cost().present().has_value());
    QVERIFY(std::abs(panel.view().cost().present()->meanKl - 0.05 * 1.2 * 0.25) < 1e-9);
    QVERIFY(panel.view().cost().lossWords().contains(QStringLiteral("between Q8_0 and Q4_0")));
    QCOMPARE(panel.costModel().rowCount(), 14);
    QCOMPARE(panel.costModel().index(13, 0).data().toString(), QStringLiteral("Q4_0"));
    bench.picture(panel, QStringLiteral("gating-cost"));
    panel.setPage(static_cast<int>(GatingPage::Sensitivity));
    PanelBench::settle();
    bench.picture(panel, QStringLiteral("gating-sensitivity"));
    panel.resize(420, 700);
    PanelBench::settle();
    bench.picture(panel, QStringLiteral("gating-tall"));
    set(session, "gate", "adapmoe-paper");
    bench.feed.showSnapshot(session.snapshot());
    PanelBench::settle();
    QVERIFY(!panel.view().cost().present().has_value());
}

void GatingPanelTest::saysHowToGetCosts() {
    PanelBench bench;
    GatingPanel panel(bench.feed, bench.selection, bench.commands, bench.theme);
    SampleSession session;
    session.edit().calibration.reset();
    bench.feed.showSnapshot(session.snapshot());
    panel.setPage(static_cast<int>(GatingPage::Cost));
    PanelBench::present(panel, {261, 250});
    QVERIFY(panel.view().cost().empty());
    bench.picture(panel, QStringLiteral("gating-no-cost"));
}

void GatingPanelTest::presetsFindTheirThreshold() {
    PanelBench bench;
    GatingPanel panel(bench.feed, bench.selection, bench.commands, bench.theme);
    QSignalSpy sent(&bench.commands, &Commands::settingRequested);
    SampleShape shape;
    shape.live = true;
    SampleSession session(shape);
    const auto snapshot = session.snapshot();
    bench.feed.showSnapshot(snapshot);
    PanelBench::present(panel, {261, 250});
    panel.choosePreset(GatePreset::QuarterFewer);
    QTRY_VERIFY(!sent.isEmpty());
    QMap<QString, QString> values;
    for (const auto& one : sent)
        values[one[0].toString()] = one[1].toString();
    QCOMPARE(values.value(QStringLiteral("gate")), QStringLiteral("adapmoe"));
    // Counted by hand: half of the decode decisions have an error of at most the threshold.
    const double threshold = values.value(QStringLiteral("gate-threshold")).toDouble();
    int single = 0;
    int decisions = 0;
    for (std::size_t i = 0; i < snapshot->choices.size(); ++i) {
        const analysis::ChoiceRecord& choice = snapshot->choices[i];
        if (choice.phase != trace::Phase::Decode)
            continue;
        const double second = static_cast<double>(trace::fromHalf(choice.weights[1]));
        single += second * second * (0.4 + 0.15 * static_cast<double>(i % 8)) <= threshold ? 1 : 0;
        ++decisions;
    }
    QVERIFY2(std::abs(static_cast<double>(single) / decisions - 0.5) < 0.01, qPrintable(QString::number(single)));
    for (const auto& [name, value] : values.asKeyValueRange())
        set(session, name.toStdString(), value.toStdString());
    bench.feed.showSnapshot(session.snapshot());
    PanelBench::settle();
    QVERIFY(panel.presetAction(GatePreset::QuarterFewer)->isChecked());
    QVERIFY(!panel.presetAction(GatePreset::PaperShare)->isChecked());
}

void GatingPanelTest::presetsOnlyTryInAReplay() {
    PanelBench bench;
    GatingPanel panel(bench.feed, bench.selection, bench.commands, bench.theme);
    QSignalSpy sent(&bench.commands, &Commands::settingRequested);
    bench.feed.showSnapshot(SampleSession().snapshot());
    PanelBench::present(panel, {261, 250});
    panel.choosePreset(GatePreset::PaperShare);
    const auto words = [&] { return panel.view().threshold().state().words; };
    QTRY_VERIFY2(words().contains(QStringLiteral("1.75 experts")), qPrintable(words()));
    QVERIFY2(words().contains(QStringLiteral("12 % fewer")) || words().contains(QStringLiteral("13 % fewer")),
             qPrintable(words()));
    QVERIFY(panel.view().threshold().state().pending);
    QCOMPARE(sent.size(), 0);
    bench.picture(panel, QStringLiteral("gating-trial"));
    QTest::keyClick(&panel.plot().plot(), Qt::Key_Escape);
    QVERIFY(!panel.view().threshold().state().pending);
}

void GatingPanelTest::hobbitsBandsAreGuidance() {
    PanelBench bench;
    GatingPanel panel(bench.feed, bench.selection, bench.commands, bench.theme);
    QSignalSpy sent(&bench.commands, &Commands::settingRequested);
    SampleShape shape;
    shape.live = true;
    bench.feed.showSnapshot(SampleSession(shape).snapshot());
    PanelBench::present(panel, {261, 250});
    panel.presetAction(GatePreset::Hobbit)->trigger();
    const ThresholdLine::State& state = panel.view().threshold().state();
    QCOMPARE(state.guidance.size(), std::size_t{3});
    QVERIFY(state.guidanceName.contains(QStringLiteral("guidance")));
    double share = 0;
    for (const auto& band : state.guidance)
        share += band.words.section(u' ', 1, 1).toDouble();
    QVERIFY2(std::abs(share - 100) < 2, qPrintable(QString::number(share)));
    QCOMPARE(sent.size(), 0);
    bench.picture(panel, QStringLiteral("gating-hobbit"));
    panel.presetAction(GatePreset::Hobbit)->trigger();
    QVERIFY(panel.view().threshold().state().guidance.empty());
}

void GatingPanelTest::aLayerGetsItsOwnThreshold() {
    PanelBench bench;
    GatingPanel panel(bench.feed, bench.selection, bench.commands, bench.theme);
    QSignalSpy sent(&bench.commands, &Commands::settingRequested);
    SampleShape shape;
    shape.live = true;
    bench.feed.showSnapshot(SampleSession(shape).snapshot());
    PanelBench::present(panel, {270, 290});
    QVERIFY(!panel.ownThresholdAction()->isEnabled());
    panel.setLayer(5);
    PanelBench::settle();
    QVERIFY(panel.ownThresholdAction()->isEnabled());
    panel.ownThresholdAction()->trigger();
    QCOMPARE(sent.back()[0].toString(), QStringLiteral("gate-layers"));
    QVERIFY(sent.back()[1].toString().startsWith(QStringLiteral("5:")));
    drag(bench, panel, 0.3);
    QCOMPARE(sent.back()[0].toString(), QStringLiteral("gate-layers"));
    const double own = sent.back()[1].toString().section(u':', 1).toDouble();
    QVERIFY2(std::abs(shareAtThreshold(own, 0.4 + 0.15 * 5) - 0.3) < 0.01, qPrintable(sent.back()[1].toString()));
}

void GatingPanelTest::everythingHasAName() {
    PanelBench bench;
    GatingPanel panel(bench.feed, bench.selection, bench.commands, bench.theme);
    for (const QToolButton* button : panel.findChildren<QToolButton*>())
        QVERIFY2(!button->accessibleName().isEmpty(), qPrintable(button->text()));
    for (int preset = 0; preset < kGatePresets; ++preset)
        QVERIFY(!panel.presetAction(static_cast<GatePreset>(preset))->toolTip().isEmpty());
}

void GatingPanelTest::arrowsMoveThresholdsWithoutAPlace() {
    PanelBench bench;
    GatingPanel panel(bench.feed, bench.selection, bench.commands, bench.theme);
    QSignalSpy sent(&bench.commands, &Commands::settingRequested);
    SampleShape shape;
    shape.live = true;
    SampleSession session(shape);
    set(session, "gate", "static-k");
    set(session, "gate-threshold", "0.5");
    bench.feed.showSnapshot(session.snapshot());
    PanelBench::present(panel, {270, 290});
    QVERIFY(panel.thresholdHandle().x() < 0);
    QVERIFY(panel.view().threshold().state().words.contains(QStringLiteral("static-k")));
    QTest::keyClick(&panel.plot().plot(), Qt::Key_Right);
    QCOMPARE(sent.back()[1].toString().toDouble(), 0.51);
}

QTEST_MAIN(GatingPanelTest)
#include "gating_panel_test.moc"

#include "tests/ui/support/panel_bench.h"
#include "ui/plot/custom_plot.h"
#include "ui/plot/plot_gestures.h"
#include "ui/plot/plot_widget.h"
#include "ui/timeline/timeline_model.h"
#include "ui/timeline/timeline_panel.h"

#include <QAbstractItemModelTester>
#include <QLineEdit>

using namespace moescope;
using namespace moescope::ui;
using namespace moescope::ui::test;

class TimelinePanelTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void tableHoldsEveryBar();
    void pointingReadsOutAndSelects();
    void shiftDragSelectsATimeRange();
    void wheelZoomsAtThePointer();
    void searchJumpsToMatches();
    void parsesWhatIsSearched();
    void followsTheLiveEdgeUnlessPointedAt();
    void lossesAreBands();
    void markersSayTheirWords();
    void wastedPrefetchesAreLower();
    void whatTheDeviceSawHasLanesAndTheCurve();
    void capturesPictures();

private:
    static void open(PanelBench& bench, TimelinePanel& panel, const SampleSession& session) {
        bench.feed.showSnapshot(session.snapshot());
        PanelBench::present(panel, {752, 290});
        panel.showWindow(session.window());
        PanelBench::settle();
    }
    static QPoint pixelOf(const TimelinePanel& panel, trace::TimeNs time, int lane) {
        const QRectF area(panel.plot().plot().axisRect(0)->rect());
        const TimeSpan view = panel.view();
        const double x = area.left() + area.width() * static_cast<double>(time - view.begin) / static_cast<double>(view.size());
        return {static_cast<int>(x), static_cast<int>(area.top() + (lane + 0.5) * area.height() / 6)};
    }
};

void TimelinePanelTest::tableHoldsEveryBar() {
    PanelBench bench;
    TimelinePanel panel(bench.feed, bench.selection, bench.theme);
    QAbstractItemModelTester tester(const_cast<TimelineModel*>(&panel.model()),
                                    QAbstractItemModelTester::FailureReportingMode::QtTest);
    const SampleSession session;
    open(bench, panel, session);
    std::size_t bars = 0;
    double bytes = 0;
    const TimelineWindowPtr window = session.window();
    for (const auto& lane : window->lanes) {
        bars += lane.bars.size();
        for (const auto& bar : lane.bars)
            bytes += static_cast<double>(bar.bytes);
    }
    // The bars, then the changed setting and the note.
    QCOMPARE(panel.model().rowCount(), static_cast<int>(bars) + 2);
    QCOMPARE(panel.model().index(static_cast<int>(bars) + 1, 1).data().toString(), QStringLiteral("The link is emulated."));
    double sum = 0;
    for (int row = 0; row < panel.model().rowCount(); ++row)
        sum += panel.model().index(row, 6).data(Qt::EditRole).toDouble();
    QCOMPARE(sum, bytes);
    QCOMPARE(panel.model().index(0, 0).data().toString(), QStringLiteral("tokens"));
}

void TimelinePanelTest::pointingReadsOutAndSelects() {
    PanelBench bench;
    TimelinePanel panel(bench.feed, bench.selection, bench.theme);
    const SampleSession session;
    open(bench, panel, session);
    const analysis::SnapshotPtr snapshot = session.snapshot();
    const auto& pass = snapshot->passes[20];
    panel.setView({pass.begin - 1'000'000, pass.end + 1'000'000});
    PanelBench::settle();
    const trace::TimeNs middle = (pass.begin + pass.end) / 2;
    QTest::mouseMove(&panel.plot().plot(), pixelOf(panel, middle, 0));
    QCOMPARE(bench.selection.hovered().token, std::optional(pass.firstToken));
    QVERIFY(panel.plot().readout().contains(QStringLiteral("decode")));
    const TimelineWindowPtr window = session.window();
    const auto& layers = window->lanes[1].bars;
    const auto bar =
        std::find_if(layers.begin(), layers.end(), [&](const auto& b) { return b.begin >= pass.begin && b.colourKey == 4; });
    QTest::mouseClick(&panel.plot().plot(), Qt::LeftButton, {}, pixelOf(panel, (bar->begin + bar->end) / 2, 1));
    QCOMPARE(bench.selection.chosen().layer, std::optional(trace::Layer(4)));
    QCOMPARE(bench.selection.chosen().token, std::optional(pass.firstToken));
}

void TimelinePanelTest::shiftDragSelectsATimeRange() {
    PanelBench bench;
    TimelinePanel panel(bench.feed, bench.selection, bench.theme);
    const SampleSession session;
    open(bench, panel, session);
    const analysis::SnapshotPtr snapshot = session.snapshot();
    const auto& first = snapshot->passes[20];
    const auto& last = snapshot->passes[22];
    panel.setView({first.begin - 2'000'000, last.end + 2'000'000});
    PanelBench::settle();
    QWidget& plot = panel.plot().plot();
    const QPoint from = pixelOf(panel, first.begin + 100'000, 2);
    const QPoint to = pixelOf(panel, last.end - 100'000, 2);
    QTest::mousePress(&plot, Qt::LeftButton, Qt::ShiftModifier, from);
    QTest::mouseMove(&plot, (from + to) / 2);
    QTest::mouseMove(&plot, to);
    QTest::mouseRelease(&plot, Qt::LeftButton, Qt::ShiftModifier, to);
    QVERIFY(bench.selection.timeRange().has_value());
    QVERIFY(std::abs(bench.selection.timeRange()->begin - first.begin - 100'000) < 50'000);
    QVERIFY2(panel.caption().contains(QStringLiteral("3 tokens")), qPrintable(panel.caption()));
    std::int64_t bytes = 0;
    for (std::size_t i = 20; i <= 22; ++i)
        bytes += session.snapshot()->passes[i].bytesDemand + session.snapshot()->passes[i].bytesPrefetch;
    QCOMPARE(rangeFigures(*session.snapshot(), *session.window(), {first.begin + 1, last.end - 1}).bytes, bytes);
}

void TimelinePanelTest::wheelZoomsAtThePointer() {
    PanelBench bench;
    TimelinePanel panel(bench.feed, bench.selection, bench.theme);
    const SampleSession session;
    open(bench, panel, session);
    const TimeSpan before = panel.view();
    const trace::TimeNs fixed = before.begin + before.size() / 3;
    const QPointF at = pixelOf(panel, fixed, 1);
    QWheelEvent wheel(at, panel.plot().plot().mapToGlobal(at), {}, {0, 360}, Qt::NoButton, Qt::NoModifier, Qt::NoScrollPhase,
                      false);
    QApplication::sendEvent(&panel.plot().plot(), &wheel);
    const TimeSpan after = panel.view();
    QVERIFY(std::abs(static_cast<double>(after.size()) / static_cast<double>(before.size()) - 0.512) < 0.01);
    const double share = static_cast<double>(fixed - after.begin) / static_cast<double>(after.size());
    QVERIFY2(std::abs(share - 1.0 / 3) < 0.01, qPrintable(QString::number(share)));
    QTest::mouseDClick(&panel.plot().plot(), Qt::LeftButton, {}, at.toPoint());
    QVERIFY(panel.view().size() >= session.snapshot()->sessionEnd);
}

void TimelinePanelTest::searchJumpsToMatches() {
    PanelBench bench;
    TimelinePanel panel(bench.feed, bench.selection, bench.theme);
    const SampleSession session;
    open(bench, panel, session);
    panel.setView({0, 3'000'000});
    QTest::keyClick(&panel.plot().plot(), Qt::Key_F, Qt::ControlModifier);
    QVERIFY(panel.searchBox().isVisible());
    panel.searchBox().setText(QStringLiteral("pond"));
    QTest::keyClick(&panel.searchBox(), Qt::Key_Return);
    QVERIFY(bench.selection.chosen().token.has_value());
    const auto snapshot = session.snapshot();
    const auto first = *bench.selection.chosen().token;
    QCOMPARE(snapshot->tokens[static_cast<std::size_t>(first.value)].text, std::string(" pond"));
    panel.findNext();
    QCOMPARE(bench.selection.chosen().token->value, first.value + 12);
    panel.findNext(true);
    QCOMPARE(*bench.selection.chosen().token, first);
    const auto& pass = snapshot->passes[static_cast<std::size_t>(snapshot->tokens[static_cast<std::size_t>(first.value)].pass)];
    QVERIFY(panel.view().begin <= pass.begin && panel.view().end >= pass.end);
}

void TimelinePanelTest::parsesWhatIsSearched() {
    using Kind = TimelineSearch::Kind;
    for (const char* words : {"3.7", "L3 E7", "layer 3 expert 7", "l3:7"}) {
        const TimelineSearch search = parseSearch(QString::fromUtf8(words));
        QCOMPARE(search.kind, Kind::Expert);
        QCOMPARE(search.layer, 3);
        QCOMPARE(search.expert, 7);
    }
    QCOMPARE(parseSearch(QStringLiteral("layer 5")).layer, 5);
    QCOMPARE(parseSearch(QStringLiteral("Demand")).kind, Kind::Demand);
    QCOMPARE(parseSearch(QStringLiteral("moon")).kind, Kind::Text);
    QCOMPARE(parseSearch(QStringLiteral("  ")).kind, Kind::None);
    const auto snapshot = SampleSession().snapshot();
    const TimelineSearch expert = parseSearch(QStringLiteral("2.5"));
    const int found = findPass(*snapshot, expert, -1, false);
    QVERIFY(found >= 0);
    const auto& pass = snapshot->passes[static_cast<std::size_t>(found)];
    bool chose = false;
    for (int token = pass.firstToken.value; token < pass.firstToken.value + pass.tokens; ++token) {
        const auto& choice = snapshot->choices[static_cast<std::size_t>(token * 8 + 2)];
        for (int i = 0; i < choice.kept; ++i)
            chose = chose || choice.ids[static_cast<std::size_t>(i)] == 5;
    }
    QVERIFY(chose);
    QCOMPARE(findPass(*snapshot, parseSearch(QStringLiteral("zebra")), 0, false), -1);
}

void TimelinePanelTest::followsTheLiveEdgeUnlessPointedAt() {
    PanelBench bench;
    TimelinePanel panel(bench.feed, bench.selection, bench.theme);
    SampleShape shape;
    shape.live = true;
    SampleSession session(shape);
    open(bench, panel, session);
    const trace::TimeNs end = session.snapshot()->sessionEnd;
    QVERIFY(panel.view().begin < end && panel.view().end > end);
    session.edit().now = session.edit().sessionEnd = end + 3'000'000'000;
    bench.feed.showSnapshot(session.snapshot());
    PanelBench::settle();
    QVERIFY(panel.view().end > end + 3'000'000'000);
    QEvent enter(QEvent::Enter);
    QApplication::sendEvent(&panel.plot().plot(), &enter);
    QWidget& plot = panel.plot().plot();
    const QPointF at(300, 60);
    QMouseEvent move(QEvent::MouseMove, at, plot.mapToGlobal(at), Qt::NoButton, Qt::NoButton, Qt::NoModifier);
    QApplication::sendEvent(&plot, &move);
    const TimeSpan held = panel.view();
    session.edit().now = session.edit().sessionEnd = end + 6'000'000'000;
    bench.feed.showSnapshot(session.snapshot());
    PanelBench::settle();
    QCOMPARE(panel.view(), held);
}

void TimelinePanelTest::lossesAreBands() {
    PanelBench bench;
    TimelinePanel panel(bench.feed, bench.selection, bench.theme);
    SampleSession session;
    open(bench, panel, session);
    const QColor hatch = bench.theme.colour(Theme::Role::Other);
    const int before = countColour(panel.grab().toImage(), hatch);
    const TimeSpan view = panel.view();
    session.edit().gaps = {{view.begin + view.size() / 4, view.begin + view.size() / 2, 1234}};
    bench.feed.showSnapshot(session.snapshot());
    PanelBench::settle();
    bench.picture(panel, QStringLiteral("timeline-gap"));
    QVERIFY(countColour(panel.grab().toImage(), hatch) > before + 500);
}

void TimelinePanelTest::markersSayTheirWords() {
    PanelBench bench;
    TimelinePanel panel(bench.feed, bench.selection, bench.theme);
    SampleSession session;
    const trace::TimeNs at = session.edit().passes[40].begin;
    const QString words = QStringLiteral("Prefetch switched itself down: over the last 64 tokens it cost more than it hid.");
    session.edit().notes.push_back({at, trace::TokenIndex(40), words.toStdString(), false});
    session.edit().notes.push_back({session.edit().passes[60].begin, trace::TokenIndex(60), "and again", false});
    open(bench, panel, session);
    const auto markers = timelineMarkers(*session.snapshot());
    QCOMPARE(markers.size(), std::size_t{4});
    QVERIFY(std::is_sorted(markers.begin(), markers.end(), [](const auto& a, const auto& b) { return a.at < b.at; }));
    const QRectF area(panel.plot().plot().axisRect(0)->rect());
    const double x =
        area.left() + area.width() * static_cast<double>(at - panel.view().begin) / static_cast<double>(panel.view().size());
    Q_EMIT panel.plot().gestures().hovered(QPointF(x, area.top() - 8));
    QVERIFY2(panel.plot().readout().contains(QStringLiteral("cost more than it hid")), qPrintable(panel.plot().readout()));
    bench.picture(panel, QStringLiteral("timeline-notes"));
    // Found from the keyboard as well.
    panel.searchBox().setText(QStringLiteral("switched itself"));
    panel.findNext();
    QVERIFY(bench.selection.chosen().token.has_value());
    QCOMPARE(parseSearch(QStringLiteral("note")).kind, TimelineSearch::Kind::Note);
    QVERIFY(countMatches(*session.snapshot(), parseSearch(QStringLiteral("note"))) >= 3);
}

void TimelinePanelTest::wastedPrefetchesAreLower() {
    PanelBench bench;
    TimelinePanel panel(bench.feed, bench.selection, bench.theme);
    const SampleSession session;
    open(bench, panel, session);
    panel.setView({session.snapshot()->passes[20].begin, session.snapshot()->passes[30].end});
    PanelBench::settle();
    const QImage image = panel.grab().toImage();
    const auto heights = [&](Theme::Role role, int left) {
        int highest = 0;
        for (int x = left; x < image.width(); ++x) {
            int rows = 0;
            for (int y = 0; y < image.height(); ++y)
                rows += image.pixelColor(x, y).rgb() == bench.theme.colour(role).rgb() ? 1 : 0;
            highest = std::max(highest, rows);
        }
        return highest;
    };
    const int used = heights(Theme::Role::PrefetchUsed, 100);
    const int wasted = heights(Theme::Role::PrefetchWasted, 100);
    QVERIFY2(used > 0 && wasted > 0 && wasted <= used / 2 + 1, qPrintable(QStringLiteral("%1 %2").arg(used).arg(wasted)));
}

void TimelinePanelTest::whatTheDeviceSawHasLanesAndTheCurve() {
    PanelBench bench;
    TimelinePanel panel(bench.feed, bench.selection, bench.theme);
    SampleSession session;
    session.edit().device.kernelNames = {"gateUpKernel", "routerKernel"};
    session.edit().device.fastCopiesBytesPerSecond = 52.4e9;
    TimelineWindow window = *session.window();
    const trace::TimeNs begin = session.snapshot()->passes[20].begin;
    window.lanes.push_back({session::Lane::ToDevice, {{begin, begin + 400'000, 400'000, 1, 0, 4'000'000, 5}}});
    window.lanes.push_back({session::Lane::Kernels, {{begin, begin + 900'000, 900'000, 1, 1, 0, 6}}});
    window.lanes.push_back({session::Lane::Multiprocessors, {{begin, begin + 1'000'000, 250'000, 1, 0, 0, 7}}});
    window.measured = {{begin, begin + 1'000'000, {50'000'000, 0, 0}}};
    window.measuredBy = TimelineWindow::LinkSource::Copies;
    bench.feed.showSnapshot(session.snapshot());
    PanelBench::present(panel, {752, 330});
    panel.showWindow(std::make_shared<TimelineWindow>(window));
    panel.setView({begin - 100'000, begin + 1'500'000});
    PanelBench::settle();
    using session::Lane;
    const std::vector<Lane> expected{Lane::Tokens, Lane::Layers,   Lane::Stages,  Lane::CopyDemand,     Lane::CopyPrefetch,
                                     Lane::Stalls, Lane::ToDevice, Lane::Kernels, Lane::Multiprocessors};
    QCOMPARE(shownLanes(window, {}), expected);
    // A stretch without them keeps their lanes.
    QCOMPARE(shownLanes(*session.window(), expected), expected);
    const auto readout = [&](Lane lane, std::size_t place) {
        return barReadout(*session.snapshot(), lane, window.lanes[place].bars[0], nullptr);
    };
    QVERIFY(readout(Lane::Kernels, window.lanes.size() - 2).contains(QStringLiteral("routerKernel")));
    QVERIFY2(readout(Lane::Multiprocessors, window.lanes.size() - 1).contains(QStringLiteral("1 reading: 25 %")),
             qPrintable(readout(Lane::Multiprocessors, window.lanes.size() - 1)));
    const QAbstractItemModel& table = panel.model();
    QStringList lanes;
    for (int row = 0; row < table.rowCount(); ++row)
        lanes << table.index(row, 0).data().toString();
    QVERIFY(lanes.contains(QStringLiteral("GPU: kernels")) && lanes.contains(QStringLiteral("GPU: SMs")));
    bench.picture(panel, QStringLiteral("timeline-device"));
}

void TimelinePanelTest::capturesPictures() {
    PanelBench bench;
    TimelinePanel panel(bench.feed, bench.selection, bench.theme);
    SampleShape shape;
    shape.live = true;
    const SampleSession session(shape);
    open(bench, panel, session);
    bench.picture(panel, QStringLiteral("timeline-live"));
    const auto snapshot = session.snapshot();
    panel.setView({snapshot->passes[20].begin - 300'000, snapshot->passes[26].end});
    bench.selection.setTimeRange(Selection::TimeRange{snapshot->passes[22].begin, snapshot->passes[23].end});
    PanelBench::settle();
    bench.picture(panel, QStringLiteral("timeline-range"));
    panel.setView({0, snapshot->sessionEnd});
    PanelBench::settle();
    bench.picture(panel, QStringLiteral("timeline-whole"));
    QVERIFY(countColour(panel.grab().toImage(), bench.theme.colour(Theme::Role::SettingMarker)) > 20);
}

QTEST_MAIN(TimelinePanelTest)
#include "timeline_panel_test.moc"

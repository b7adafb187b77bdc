#include "ui/timeline/timeline_geometry.h"

#include <QTest>
#include <random>

using namespace moescope;
using namespace moescope::ui;

class TimelineGeometryTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void timeAndPixelsAreInverse();
    void wideBarsStayApart();
    void narrowBarsMergeAndKeepTheirTime();
    void everyBarIsDrawnOnce();
    void findsTheBarUnderThePointer();
    void rowsFillTheBox();
    void followingKeepsTheEdgeInSight();
    void revealingMovesOnlyWhenItMust();
    void ticksGetTheDecimalsTheyNeed();

private:
    static session::LaneBar bar(trace::TimeNs begin, trace::TimeNs end, int colour = 0) {
        session::LaneBar made;
        made.begin = begin;
        made.end = end;
        made.busyNs = end - begin;
        made.colourKey = colour;
        return made;
    }
};

void TimelineGeometryTest::timeAndPixelsAreInverse() {
    const TimeScale scale{38e6, 50e6, 92, 780};
    for (const trace::TimeNs time : {38'000'000LL, 41'234'567LL, 50'000'000LL})
        QVERIFY(std::abs(scale.time(scale.x(time)) - time) <= 1);
    QCOMPARE(scale.x(38'000'000), 92.0);
    QCOMPARE(scale.x(50'000'000), 780.0);
}

void TimelineGeometryTest::wideBarsStayApart() {
    const TimeScale scale{0, 1000, 0, 100};
    const std::vector<session::LaneBar> bars{bar(0, 100, 1), bar(100, 250, 2), bar(400, 500, 3)};
    const auto drawn = drawnBars(bars, scale, 1);
    QCOMPARE(drawn.size(), std::size_t{3});
    QCOMPARE(drawn[1].left, 10.0);
    QCOMPARE(drawn[1].right, 25.0);
    QCOMPARE(drawn[1].coverage, 1.0);
    QCOMPARE(drawn[2].colourKey, 3);
}

void TimelineGeometryTest::narrowBarsMergeAndKeepTheirTime() {
    // 100 bars of 2 ns every 10 ns: 50 per pixel-and-a-half; coverage must say a fifth.
    std::vector<session::LaneBar> bars;
    for (int i = 0; i < 100; ++i)
        bars.push_back(bar(i * 10, i * 10 + 2, 7));
    bars[30].end += 4;
    bars[30].busyNs += 4;
    bars[30].colourKey = 9;
    const TimeScale scale{0, 100'000, 0, 1000};
    const auto drawn = drawnBars(bars, scale, 1);
    QVERIFY(drawn.size() < 12);
    int count = 0;
    double busy = 0;
    for (const DrawnBar& run : drawn) {
        count += run.count;
        busy += run.coverage * (run.right - run.left) / scale.perNs();
    }
    QCOMPARE(count, 100);
    QVERIFY2(std::abs(busy - 204) < 30, qPrintable(QString::number(busy)));
    const auto with30 = std::find_if(drawn.begin(), drawn.end(), [](const DrawnBar& run) { return run.longest == 30; });
    QVERIFY(with30 != drawn.end());
    QCOMPARE(with30->colourKey, 9);
}

void TimelineGeometryTest::everyBarIsDrawnOnce() {
    std::mt19937 random(3);
    for (int round = 0; round < 50; ++round) {
        std::vector<session::LaneBar> bars;
        trace::TimeNs time = 0;
        for (int i = 0; i < 300; ++i) {
            time += static_cast<trace::TimeNs>(random() % 400);
            const auto length = static_cast<trace::TimeNs>(1 + random() % (round % 2 == 0 ? 40 : 4000));
            bars.push_back(bar(time, time + length));
            time += length;
        }
        const TimeScale scale{static_cast<double>(time / 4), static_cast<double>(3 * time / 4), 0, 500};
        std::int64_t expected = 0;
        for (const auto& one : bars)
            expected += static_cast<double>(one.end) > scale.begin && static_cast<double>(one.begin) < scale.end ? 1 : 0;
        std::int64_t drawnCount = 0;
        double last = -1e9;
        for (const DrawnBar& one : drawnBars(bars, scale, 1)) {
            drawnCount += one.count;
            QVERIFY(one.left >= last - 1);
            QVERIFY(one.coverage > 0 && one.coverage <= 1);
            last = one.right;
        }
        QCOMPARE(drawnCount, expected);
    }
}

void TimelineGeometryTest::findsTheBarUnderThePointer() {
    const std::vector<session::LaneBar> bars{bar(0, 100), bar(150, 160), bar(400, 500)};
    QCOMPARE(barAt(bars, 50, 5), 0);
    QCOMPARE(barAt(bars, 155, 5), 1);
    QCOMPARE(barAt(bars, 104, 5), 0);
    QCOMPARE(barAt(bars, 147, 5), 1);
    QCOMPARE(barAt(bars, 120, 5), -1);
    QCOMPARE(barAt(bars, 600, 5), -1);
    QCOMPARE(barAt({}, 5, 5), -1);
}

void TimelineGeometryTest::rowsFillTheBox() {
    const LaneStack stack(QRectF(92, 20, 600, 180),
                          {session::Lane::Tokens, session::Lane::Layers, session::Lane::Stages, session::Lane::Stalls});
    QCOMPARE(stack.row(0).top(), 20.0);
    QCOMPARE(stack.row(3).bottom(), 200.0);
    for (std::size_t i = 0; i < 4; ++i) {
        QCOMPARE(stack.at(stack.row(i).center().y()), static_cast<int>(i));
        QVERIFY(stack.row(i).contains(stack.bars(i).center()));
        QVERIFY(stack.bars(i).height() <= 18);
    }
    QCOMPARE(stack.at(19), -1);
    QCOMPARE(stack.at(200), -1);
}

void TimelineGeometryTest::followingKeepsTheEdgeInSight() {
    const TimeSpan view = followed(10'000, 1000);
    QCOMPARE(view.size(), trace::TimeNs{1000});
    QVERIFY(view.end > 10'000 && view.begin < 10'000);
    QCOMPARE(followed(100, 1000).begin, trace::TimeNs{0});
    QCOMPARE(followWidth(10'000'000'000, 2'000'000'000), trace::TimeNs{2'000'000'000});
    const trace::TimeNs young = followWidth(940'000'000, 2'000'000'000);
    QVERIFY(young > 940'000'000 && young < 1'010'000'000);
    QVERIFY(followWidth(0, 2'000'000'000) > 0);
}

void TimelineGeometryTest::revealingMovesOnlyWhenItMust() {
    const TimeSpan view{100, 200};
    QCOMPARE(revealed(view, {120, 150}), view);
    const TimeSpan moved = revealed(view, {300, 320});
    QCOMPARE(moved.size(), trace::TimeNs{100});
    QVERIFY(moved.begin <= 300 && moved.end >= 320);
    const TimeSpan widened = revealed(view, {300, 900});
    QVERIFY(widened.begin <= 300 && widened.end >= 900);
}

void TimelineGeometryTest::ticksGetTheDecimalsTheyNeed() {
    QCOMPARE(roundTickStep(16, 8), 2.0);
    QCOMPARE(roundTickStep(17, 8), 5.0);
    QCOMPARE(roundTickStep(0.0079, 8), 0.001);
    for (double range = 0.003; range < 1e6; range *= 1.37) {
        const double step = roundTickStep(range, 8);
        QVERIFY(range / step <= 8.01 && range / step > 3);
        QVERIFY(std::abs(step - QString::number(step, 'f', tickDecimals(step)).toDouble()) < step * 1e-9);
    }
    QCOMPARE(tickDecimals(2), 0);
    QCOMPARE(tickDecimals(1), 0);
    QCOMPARE(tickDecimals(0.5), 1);
    QCOMPARE(tickDecimals(0.01), 2);
    QCOMPARE(tickDecimals(0.00025), 4);
}

QTEST_APPLESS_MAIN(TimelineGeometryTest)
#include "timeline_geometry_test.moc"

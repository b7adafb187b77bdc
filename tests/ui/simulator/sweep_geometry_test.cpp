#include "ui/simulator/simulated_figures.h"
#include "ui/simulator/sweep_geometry.h"

#include <QAbstractItemModelTester>
#include <QTest>
#include <cmath>

using namespace Qt::StringLiterals;
using namespace moescope;
using namespace moescope::ui;

namespace {

SweptPoint point(std::vector<std::string> values, std::int64_t hits, std::int64_t misses) {
    simulate::Figures figures;
    figures.hits = hits;
    figures.misses = misses;
    figures.optimumHits = hits + 1;
    figures.optimumAccesses = hits + misses;
    return {std::move(values), figures, false, {}};
}

} // namespace

class SweepGeometryTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void numbersStandWhereTheyAre();
    void wordsStandInARow();
    void aSecondSettingIsALineEach();
    void undefinedFiguresAreGaps();
    void stepsStayInside();
    void nearestIsWithinReach();
    void theTableKeepsItsPromises();
};

void SweepGeometryTest::numbersStandWhereTheyAre() {
    SweepModel sweep;
    sweep.begin({{"cache-experts", {"32", "8", "16"}}}, point({}, 1, 1).figures);
    sweep.append({point({"32"}, 9, 1), point({"8"}, 2, 8), point({"16"}, 5, 5)});
    const SweepPicture picture = sweepPicture(sweep, kHitRateFigure);
    QCOMPARE(picture.lines.size(), 1U);
    QCOMPARE(picture.lines[0].x, (std::vector<double>{8, 16, 32}));
    QCOMPARE(picture.lines[0].y, (std::vector<double>{0.2, 0.5, 0.9}));
    QCOMPARE(picture.lines[0].bound, (std::vector<double>{0.3, 0.6, 1.0}));
    QCOMPARE(picture.lines[0].points, (std::vector<int>{1, 2, 0}));
    QCOMPARE(picture.recorded, 0.5);
    QVERIFY(picture.names.isEmpty());
    QVERIFY(picture.left < 8 && picture.right > 32);
    QCOMPARE(picture.top, 1.0);
    QVERIFY(sweepPicture(sweep, 3).lines[0].bound.empty());
    QCOMPARE(spotOf(picture, 0), (SweepSpot{0, 2}));
}

void SweepGeometryTest::wordsStandInARow() {
    SweepModel sweep;
    sweep.begin({{"link", {"3.5", "none", "nvme7"}}}, {});
    sweep.append({point({"3.5"}, 1, 1), point({"none"}, 1, 1), point({"nvme7"}, 1, 1)});
    const SweepPicture picture = sweepPicture(sweep, kHitRateFigure);
    QCOMPARE(picture.names, (QStringList{u"3.5"_s, u"none"_s, u"nvme7"_s}));
    QCOMPARE(picture.lines[0].x, (std::vector<double>{0, 1, 2}));
    QCOMPARE(picture.left, -0.5);
    QCOMPARE(picture.right, 2.5);
}

void SweepGeometryTest::aSecondSettingIsALineEach() {
    SweepModel sweep;
    sweep.begin({{"cache-experts", {"8", "16"}}, {"cache", {"lru", "belady"}}}, {});
    sweep.append({point({"8", "lru"}, 1, 9), point({"8", "belady"}, 2, 8), point({"16", "lru"}, 3, 7)});
    const SweepPicture picture = sweepPicture(sweep, kHitRateFigure);
    QCOMPARE(picture.lines.size(), 2U);
    QCOMPARE(picture.lines[0].name, u"lru"_s);
    QCOMPARE(picture.lines[0].points, (std::vector<int>{0, 2}));
    QCOMPARE(picture.lines[1].points, (std::vector<int>{1}));
}

void SweepGeometryTest::undefinedFiguresAreGaps() {
    SweepModel sweep;
    sweep.begin({{"cache-experts", {"8", "16"}}}, {});
    sweep.append({point({"8"}, 0, 0), point({"16"}, 3, 1)});
    const SweepPicture picture = sweepPicture(sweep, kHitRateFigure);
    QVERIFY(std::isnan(picture.lines[0].y[0]));
    QCOMPARE(picture.lines[0].y[1], 0.75);
    QVERIFY(std::isnan(picture.recorded));
    QVERIFY(sweepPicture(SweepModel(), kHitRateFigure).lines.empty());
}

void SweepGeometryTest::stepsStayInside() {
    SweepModel sweep;
    sweep.begin({{"cache-experts", {"8", "16"}}, {"cache", {"lru", "lfu"}}}, {});
    sweep.append(
        {point({"8", "lru"}, 1, 9), point({"8", "lfu"}, 2, 8), point({"16", "lru"}, 3, 7), point({"16", "lfu"}, 3, 7)});
    const SweepPicture picture = sweepPicture(sweep, kHitRateFigure);
    QCOMPARE(steppedSpot(picture, {}, 1, 0), (SweepSpot{0, 0}));
    QCOMPARE(steppedSpot(picture, {0, 0}, 1, 0), (SweepSpot{0, 1}));
    QCOMPARE(steppedSpot(picture, {0, 1}, 1, 1), (SweepSpot{1, 1}));
    QCOMPARE(steppedSpot(picture, {1, 1}, 5, 5), (SweepSpot{1, 1}));
    QCOMPARE(steppedSpot(picture, {0, 0}, -1, -1), (SweepSpot{0, 0}));
    QVERIFY(!steppedSpot({}, {}, 1, 0).valid());
}

void SweepGeometryTest::nearestIsWithinReach() {
    SweepModel sweep;
    sweep.begin({{"cache-experts", {"8", "16"}}}, {});
    sweep.append({point({"8"}, 1, 1), point({"16"}, 3, 1)});
    const SweepPicture picture = sweepPicture(sweep, kHitRateFigure);
    const auto pixel = [](double x, double y) { return QPointF(x * 10, 100 - y * 100); };
    QCOMPARE(nearestSpot(picture, {84, 53}, 12, pixel), (SweepSpot{0, 0}));
    QCOMPARE(nearestSpot(picture, {161, 25}, 12, pixel), (SweepSpot{0, 1}));
    QVERIFY(!nearestSpot(picture, {120, 40}, 12, pixel).valid());
}

void SweepGeometryTest::theTableKeepsItsPromises() {
    SweepModel sweep;
    QAbstractItemModelTester tester(&sweep, QAbstractItemModelTester::FailureReportingMode::QtTest);
    QCOMPARE(sweep.columnCount(), 0);
    sweep.begin({{"cache", {"lru", "lfu"}}}, {});
    sweep.append({point({"lru"}, 1, 3)});
    sweep.append({point({"lfu"}, 2, 2)});
    QCOMPARE(sweep.rowCount(), 2);
    QCOMPARE(sweep.headerData(0, Qt::Horizontal).toString(), u"cache"_s);
    QCOMPARE(sweep.index(0, 0).data().toString(), u"lru"_s);
    QCOMPARE(sweep.index(0, 1).data(Qt::EditRole).toDouble(), 0.25);
    QCOMPARE(sweep.index(0, 2).data(Qt::EditRole).toDouble(), 0.5);
    QCOMPARE(sweep.index(1, sweep.columnCount() - 1).data().toString(), u"as recorded"_s);
    sweep.clear();
    QCOMPARE(sweep.rowCount(), 0);
}

QTEST_MAIN(SweepGeometryTest)
#include "sweep_geometry_test.moc"

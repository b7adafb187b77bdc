#include "ui/plot/cell_geometry.h"

#include <QTest>

using namespace moescope;
using namespace moescope::ui;

class CellGeometryTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void everyCellFindsItself();
    void zoomedViewsFindTheirCells();
    void outsideIsNowhere();
    void numbersKeepTheirDistance();
    void keysStayInsideTheGrid();
};

void CellGeometryTest::everyCellFindsItself() {
    for (const auto& [layers, experts] : {std::pair{8, 8}, std::pair{48, 128}, std::pair{1, 64}}) {
        const CellGeometry grid(QRectF(40, 36, 300, 200), {0, 0}, QSizeF(experts, layers));
        for (int layer = 0; layer < layers; ++layer)
            for (int expert = 0; expert < experts; ++expert) {
                QCOMPARE(grid.at(grid.cell(layer, expert).center(), layers, experts),
                         std::optional(trace::expertKey(layer, expert)));
                QVERIFY(grid.cell(layer, expert).contains(grid.painted(layer, expert)));
            }
        QVERIFY(std::abs(grid.cell(layers - 1, experts - 1).right() - 340) < 1e-9);
        QVERIFY(std::abs(grid.cell(layers - 1, experts - 1).bottom() - 236) < 1e-9);
    }
}

void CellGeometryTest::zoomedViewsFindTheirCells() {
    const CellGeometry grid(QRectF(0, 0, 100, 100), {2.5, 4}, QSizeF(4, 2));
    QCOMPARE(grid.at({1, 1}, 8, 8), std::optional(trace::expertKey(4, 2)));
    QCOMPARE(grid.at({99, 99}, 8, 8), std::optional(trace::expertKey(5, 6)));
    QCOMPARE(grid.cell(4, 3).left(), 12.5);
}

void CellGeometryTest::outsideIsNowhere() {
    const CellGeometry grid(QRectF(40, 36, 300, 200), {0, 0}, QSizeF(8, 8));
    QCOMPARE(grid.at({39, 100}, 8, 8), std::nullopt);
    QCOMPARE(grid.at({100, 300}, 8, 8), std::nullopt);
    QCOMPARE(grid.at({330, 230}, 4, 8), std::nullopt);
}

void CellGeometryTest::numbersKeepTheirDistance() {
    QCOMPARE(labelStep(24, 20), 1);
    QCOMPARE(labelStep(12, 20), 2);
    QCOMPARE(labelStep(3, 20), 10);
    for (const double cell : {0.7, 2.0, 5.0, 9.0, 40.0})
        QVERIFY(labelStep(cell, 18) * cell >= 18 || labelStep(cell, 18) == 1);
}

void CellGeometryTest::keysStayInsideTheGrid() {
    QCOMPARE(steppedCell(std::nullopt, 1, 0, 8, 8), trace::expertKey(0, 0));
    QCOMPARE(steppedCell(trace::expertKey(7, 7), 1, 1, 8, 8), trace::expertKey(7, 7));
    QCOMPARE(steppedCell(trace::expertKey(3, 3), -1, 1, 8, 8), trace::expertKey(4, 2));
}

QTEST_APPLESS_MAIN(CellGeometryTest)
#include "cell_geometry_test.moc"

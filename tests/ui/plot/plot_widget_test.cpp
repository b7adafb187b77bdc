#include "tests/ui/support/panel_bench.h"
#include "ui/plot/custom_plot.h"
#include "ui/plot/plot_gestures.h"
#include "ui/plot/plot_widget.h"
#include "ui/plot/table_text.h"
#include "ui/plot/table_twin.h"

#include <QClipboard>
#include <QSignalSpy>
#include <QStandardItemModel>
#include <QTemporaryDir>

using namespace moescope;
using namespace moescope::ui;
using namespace moescope::ui::test;

namespace {

/// A plot with one graph, limits 0..100 and a table.
struct Plotted {
    explicit Plotted(const Theme& theme) : widget(theme, QStringLiteral("Test plot")) {
        QCustomPlot& plot = widget.plot();
        plot.addGraph();
        plot.graph(0)->setData({0, 50, 100}, {0, 1, 0});
        plot.xAxis->setRange(0, 100);
        plot.yAxis->setRange(0, 1);
        widget.gestures().setAxes(plot.xAxis, nullptr);
        widget.gestures().setHorizontalLimits(QCPRange(0, 100), 1);
        model.setHorizontalHeaderLabels({QStringLiteral("name"), QStringLiteral("value, \"raw\"")});
        for (int row = 0; row < 3; ++row) {
            model.setItem(row, 0, new QStandardItem(QStringLiteral("row %1, x").arg(row)));
            auto* value = new QStandardItem;
            value->setData(row / 3.0, Qt::EditRole);
            model.setItem(row, 1, value);
        }
        widget.setTable(&model);
        widget.restyle();
    }
    PlotWidget widget;
    QStandardItemModel model;
};

} // namespace

class PlotWidgetTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void refreshesOnlyWhileVisibleAndNotTooOften();
    void dragPansAndStaysInsideTheLimits();
    void keysZoomAndPan();
    void clickIsNotADrag();
    void tableTwinCopiesAsTsv();
    void emptyTextReplacesThePlot();
    void exportsEveryFormat();
    void readOutMovesNothing();
    void followsTheTheme();
};

void PlotWidgetTest::refreshesOnlyWhileVisibleAndNotTooOften() {
    PanelBench bench;
    Plotted plotted(bench.theme);
    QSignalSpy refreshes(&plotted.widget, &PlotWidget::refresh);
    for (int i = 0; i < 10; ++i)
        plotted.widget.markStale();
    QTest::qWait(80);
    QCOMPARE(refreshes.size(), 0);
    PanelBench::present(plotted.widget, {400, 200});
    QCOMPARE(refreshes.size(), 1);
    QElapsedTimer clock;
    clock.start();
    while (clock.elapsed() < 500) {
        plotted.widget.markStale();
        QTest::qWait(2);
    }
    QVERIFY2(refreshes.size() >= 2 && refreshes.size() <= clock.elapsed() / 28 + 2,
             qPrintable(QString::number(refreshes.size())));
    plotted.widget.hide();
    const auto before = refreshes.size();
    plotted.widget.markStale();
    QTest::qWait(80);
    QCOMPARE(refreshes.size(), before);
}

void PlotWidgetTest::dragPansAndStaysInsideTheLimits() {
    PanelBench bench;
    Plotted plotted(bench.theme);
    PanelBench::present(plotted.widget, {400, 200});
    QCPAxis* axis = plotted.widget.plot().xAxis;
    axis->setRange(40, 60);
    plotted.widget.plot().replot();
    QWidget* plot = &plotted.widget.plot();
    const double perPixel = 20.0 / axis->axisRect()->width();
    QTest::mousePress(plot, Qt::LeftButton, {}, {200, 80});
    QTest::mouseMove(plot, {210, 80});
    QTest::mouseMove(plot, {250, 80});
    QTest::mouseRelease(plot, Qt::LeftButton, {}, {250, 80});
    QVERIFY(std::abs(axis->range().lower - (40 - 50 * perPixel)) < 0.2);
    QTest::mousePress(plot, Qt::LeftButton, {}, {20, 80});
    for (int x = 30; x < 390; x += 40)
        QTest::mouseMove(plot, {x, 80});
    QTest::mouseMove(plot, {390, 80});
    QTest::mouseMove(plot, {4000, 80});
    QTest::mouseRelease(plot, Qt::LeftButton, {}, {4000, 80});
    QCOMPARE(axis->range().lower, 0.0);
    QCOMPARE(axis->range().size(), 20.0);
}

void PlotWidgetTest::keysZoomAndPan() {
    PanelBench bench;
    Plotted plotted(bench.theme);
    PanelBench::present(plotted.widget, {400, 200});
    QWidget* plot = &plotted.widget.plot();
    QCPAxis* axis = plotted.widget.plot().xAxis;
    QTest::keyClick(plot, Qt::Key_Plus);
    QVERIFY(std::abs(axis->range().size() - 80) < 1e-9);
    const double before = axis->range().lower;
    QTest::keyClick(plot, Qt::Key_Right);
    QVERIFY(axis->range().lower > before);
    QTest::keyClick(plot, Qt::Key_Minus);
    QTest::keyClick(plot, Qt::Key_Minus);
    QCOMPARE(axis->range(), QCPRange(0, 100));
    for (int i = 0; i < 40; ++i)
        QTest::keyClick(plot, Qt::Key_Plus);
    QVERIFY(std::abs(axis->range().size() - 1) < 1e-9);
    QSignalSpy resets(&plotted.widget.gestures(), &PlotGestures::resetRequested);
    QTest::keyClick(plot, Qt::Key_Home);
    QCOMPARE(resets.size(), 1);
}

void PlotWidgetTest::clickIsNotADrag() {
    PanelBench bench;
    Plotted plotted(bench.theme);
    PanelBench::present(plotted.widget, {400, 200});
    QSignalSpy clicks(&plotted.widget.gestures(), &PlotGestures::clicked);
    QSignalSpy views(&plotted.widget.gestures(), &PlotGestures::viewChanged);
    QWidget* plot = &plotted.widget.plot();
    QTest::mouseClick(plot, Qt::LeftButton, {}, {150, 60});
    QTest::mousePress(plot, Qt::LeftButton, {}, {150, 60});
    QTest::mouseMove(plot, {180, 60});
    QTest::mouseRelease(plot, Qt::LeftButton, {}, {180, 60});
    QCOMPARE(clicks.size(), 1);
    QCOMPARE(views.size(), 1);
}

void PlotWidgetTest::tableTwinCopiesAsTsv() {
    PanelBench bench;
    Plotted plotted(bench.theme);
    PanelBench::present(plotted.widget, {400, 200});
    QTest::keyClick(&plotted.widget.plot(), Qt::Key_T, Qt::ControlModifier);
    QVERIFY(plotted.widget.tableShown());
    auto* table = plotted.widget.findChild<TableTwin*>();
    table->selectAll();
    table->copySelection();
    const QString copied = QGuiApplication::clipboard()->text();
    QCOMPARE(copied.split(u'\n')[0], QStringLiteral("name\tvalue, \"raw\""));
    QCOMPARE(copied.split(u'\n')[2].split(u'\t')[0], QStringLiteral("row 1, x"));
    QTest::keyClick(table, Qt::Key_T, Qt::ControlModifier);
    QVERIFY(!plotted.widget.tableShown());
}

void PlotWidgetTest::emptyTextReplacesThePlot() {
    PanelBench bench;
    Plotted plotted(bench.theme);
    PanelBench::present(plotted.widget, {400, 200});
    plotted.widget.setEmptyText(QStringLiteral("Send a message."));
    QVERIFY(!plotted.widget.plot().isVisible());
    plotted.widget.setEmptyText({});
    QVERIFY(plotted.widget.plot().isVisible());
}

void PlotWidgetTest::exportsEveryFormat() {
    PanelBench bench;
    Plotted plotted(bench.theme);
    PanelBench::present(plotted.widget, {400, 200});
    QTemporaryDir folder;
    const auto path = [&](const char* suffix) { return folder.filePath(QStringLiteral("plot.") + QString::fromUtf8(suffix)); };
    for (const char* suffix : {"png", "svg", "pdf", "csv"})
        QCOMPARE(plotted.widget.exportTo(path(suffix)), QString());
    const QImage image(path("png"));
    QCOMPARE(image.size(), plotted.widget.plot().size() * 2);
    QVERIFY(countColour(image, bench.theme.colour(Theme::Role::Panel)) > 1000);
    const auto head = [&](const char* suffix) {
        QFile file(path(suffix));
        return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
    };
    QVERIFY(head("svg").contains("<svg") && head("svg").contains("<title>Test plot"));
    QVERIFY(head("pdf").startsWith("%PDF"));
    QCOMPARE(QString::fromUtf8(head("csv")).split(QStringLiteral("\r\n"))[0], QStringLiteral("name,\"value, \"\"raw\"\"\""));
    QCOMPARE(QString::fromUtf8(head("csv")).split(QStringLiteral("\r\n"))[2], QStringLiteral("\"row 1, x\",0.333333333"));
    QVERIFY(!plotted.widget.exportTo(folder.filePath(QStringLiteral("plot.xyz"))).isEmpty());
    QVERIFY(!plotted.widget.exportTo(folder.filePath(QStringLiteral("none/plot.png"))).isEmpty());
}

void PlotWidgetTest::readOutMovesNothing() {
    PanelBench bench;
    Plotted plotted(bench.theme);
    PanelBench::present(plotted.widget, {400, 200});
    const QRect before = plotted.widget.plot().geometry();
    const QRect axes = plotted.widget.plot().axisRect()->rect();
    plotted.widget.showReadout({395, 195}, QStringLiteral("<b>layer 3</b><br>a long line of figures"));
    QApplication::processEvents();
    QCOMPARE(plotted.widget.plot().geometry(), before);
    QCOMPARE(plotted.widget.plot().axisRect()->rect(), axes);
    for (const QLabel* label : plotted.widget.plot().findChildren<QLabel*>())
        QVERIFY(plotted.widget.plot().rect().contains(label->geometry()));
    plotted.widget.hideReadout();
    QVERIFY(plotted.widget.readout().isEmpty());
}

void PlotWidgetTest::followsTheTheme() {
    PanelBench bench;
    Plotted plotted(bench.theme);
    PanelBench::present(plotted.widget, {400, 200});
    const QColor dark = bench.theme.colour(Theme::Role::Panel);
    QVERIFY(countColour(plotted.widget.plot().grab().toImage(), dark) > 10'000);
    bench.theme.setMode(Theme::Mode::Light);
    PanelBench::settle();
    QCOMPARE(countColour(plotted.widget.plot().grab().toImage(), dark), 0);
    QVERIFY(countColour(plotted.widget.plot().grab().toImage(), bench.theme.colour(Theme::Role::Panel)) > 10'000);
}

QTEST_MAIN(PlotWidgetTest)
#include "plot_widget_test.moc"

#include "ui/plot/plot_export.h"

#include "ui/plot/table_text.h"

#include "ui/plot/custom_plot.h"
#include <QFileInfo>
#include <QSaveFile>
#include <QSvgGenerator>

using namespace Qt::StringLiterals;

namespace moescope::ui {
namespace {

bool writeSvg(QCustomPlot& plot, const QString& title, const QString& path) {
    QSvgGenerator generator;
    generator.setFileName(path);
    generator.setSize(plot.size());
    generator.setViewBox(plot.rect());
    generator.setTitle(title);
    QCPPainter painter;
    if (!painter.begin(&generator))
        return false;
    painter.setMode(QCPPainter::pmVectorized);
    painter.setMode(QCPPainter::pmNoCaching);
    plot.toPainter(&painter, plot.width(), plot.height());
    return painter.end();
}

bool writeText(const QString& text, const QString& path) {
    QSaveFile file(path);
    return file.open(QIODevice::WriteOnly) && file.write(text.toUtf8()) >= 0 && file.commit();
}

} // namespace

QString exportPlot(QCustomPlot& plot, const QAbstractItemModel* table, const QString& title, const QString& path) {
    const QString suffix = QFileInfo(path).suffix().toLower();
    bool done = false;
    if (suffix == u"csv"_s)
        done = table != nullptr && writeText(toCsv(*table), path);
    else if (suffix == u"svg"_s)
        done = writeSvg(plot, title, path);
    else if (suffix == u"pdf"_s)
        done = plot.savePdf(path, 0, 0, QCP::epNoCosmetic, u"Moescope"_s, title);
    else if (suffix == u"png"_s)
        done = plot.savePng(path, plot.width(), plot.height(), 2.0);
    else
        return QObject::tr("%1 has no suffix that can be exported; use .png, .svg, .pdf or .csv.").arg(path);
    return done ? QString() : QObject::tr("%1 could not be written.").arg(path);
}

} // namespace moescope::ui

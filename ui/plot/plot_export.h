#pragma once
#include <QString>

class QCustomPlot;
class QAbstractItemModel;

namespace moescope::ui {

/// Writes the plot (png, svg, pdf) or its table (csv), by the file's suffix. Returns one sentence when it could not, else
/// nothing. The plot's queued changes are drawn first.
QString exportPlot(QCustomPlot& plot, const QAbstractItemModel* table, const QString& title, const QString& path);

} // namespace moescope::ui

#include "ui/plot/plot_style.h"

namespace moescope::ui {

void styleAxis(QCPAxis& axis, const Theme& theme) {
    const QColor line = theme.colour(Theme::Role::Line);
    const QColor muted = theme.colour(Theme::Role::Muted);
    axis.setBasePen(axis.basePen().style() == Qt::NoPen ? Qt::NoPen : QPen(line));
    axis.setTickPen(axis.tickPen().style() == Qt::NoPen ? Qt::NoPen : QPen(line));
    axis.setSubTickPen(Qt::NoPen);
    axis.setTickLabelFont(theme.caption());
    axis.setLabelFont(theme.caption());
    axis.setTickLabelColor(muted);
    axis.setLabelColor(muted);
    axis.grid()->setPen(QPen(line, 0));
    axis.grid()->setSubGridVisible(false);
    axis.grid()->setZeroLinePen(QPen(line, 0));
}

void bareAxis(QCPAxis& axis) {
    axis.setBasePen(Qt::NoPen);
    axis.setTickPen(Qt::NoPen);
    axis.setSubTickPen(Qt::NoPen);
    axis.setTickLength(0, 0);
    axis.grid()->setVisible(false);
}

void stylePlot(QCustomPlot& plot, const Theme& theme) {
    plot.setBackground(QBrush(theme.colour(Theme::Role::Panel)));
    plot.setFont(theme.caption());
    for (QCPAxisRect* rect : plot.axisRects())
        for (QCPAxis* axis : rect->axes())
            styleAxis(*axis, theme);
}

} // namespace moescope::ui

#include "ui/experts/experts_view.h"

#include "ui/experts/experts_model.h"

#include <algorithm>

namespace moescope::ui {
namespace {
constexpr double kBarsWidth = 26;
constexpr double kFigureWidth = 30;
} // namespace

LayerColumns::LayerColumns(QCPAxis* key, QCPAxis* value, const CellCanvas& cells, const Theme& theme)
    : Canvas(key, value, QStringLiteral("main"), true), m_cells(cells), m_theme(theme) {}

void LayerColumns::paint(QCPPainter& painter) {
    if (m_usage == nullptr || m_usage->layerTotal.empty())
        return;
    const QRectF box = area();
    const QFontMetricsF metrics(m_theme.caption());
    const double line = metrics.height();
    const double entropyX = box.left() + kBarsWidth + 4;
    const double countX = entropyX + kFigureWidth;
    painter.setFont(m_theme.caption());
    painter.setPen(m_theme.colour(Theme::Role::Muted));
    const double headY = box.top() - line - 3;
    painter.drawText(QRectF(box.left(), headY, kBarsWidth, line), Qt::AlignLeft, QObject::tr("sum"));
    painter.drawText(QRectF(entropyX, headY, kFigureWidth - 4, line), Qt::AlignRight, QObject::tr("bits"));
    painter.drawText(QRectF(countX, headY, kFigureWidth - 4, line), Qt::AlignRight, QObject::tr("90 %"));
    painter.setClipRect(box);
    const double largest = *std::max_element(m_usage->layerTotal.begin(), m_usage->layerTotal.end());
    const CellGeometry grid = m_cells.geometry();
    const int step = labelStep(grid.cellHeight(), line);
    for (int layer = 0; layer < m_usage->layers; ++layer) {
        const QRectF row = grid.painted(layer, 0);
        const auto at = static_cast<std::size_t>(layer);
        const double height = std::clamp(row.height() * 0.36, 1.0, 8.0);
        const QRectF track(box.left(), row.center().y() - height / 2, kBarsWidth, height);
        painter.fillRect(track, m_theme.colour(Theme::Role::Inset));
        if (largest > 0)
            painter.fillRect(QRectF(track.topLeft(), QSizeF(kBarsWidth * m_usage->layerTotal[at] / largest, height)),
                             m_theme.colour(Theme::Role::Experts));
        if (layer % step != 0)
            continue;
        painter.setPen(m_theme.colour(Theme::Role::Ink));
        const double y = row.center().y() - line / 2;
        painter.drawText(QRectF(entropyX, y, kFigureWidth - 4, line), Qt::AlignRight,
                         QString::number(m_usage->entropy[at], 'f', 2));
        painter.drawText(QRectF(countX, y, kFigureWidth - 4, line), Qt::AlignRight, QString::number(m_usage->expertsFor90[at]));
    }
}

ExpertBars::ExpertBars(QCPAxis* key, QCPAxis* value, const CellCanvas& cells, const Theme& theme)
    : Canvas(key, value, QStringLiteral("main"), true), m_cells(cells), m_theme(theme) {}

void ExpertBars::paint(QCPPainter& painter) {
    if (m_usage == nullptr || m_usage->expertTotal.empty())
        return;
    const QRectF box = area();
    painter.setFont(m_theme.caption());
    painter.setPen(m_theme.colour(Theme::Role::Muted));
    painter.drawText(QRectF(box.left() - CellMargins::kLeft, box.top(), CellMargins::kLeft - 6, box.height()),
                     Qt::AlignRight | Qt::AlignVCenter, QObject::tr("total"));
    painter.setClipRect(box);
    const double largest = *std::max_element(m_usage->expertTotal.begin(), m_usage->expertTotal.end());
    const CellGeometry grid = m_cells.geometry();
    for (int expert = 0; expert < m_usage->experts; ++expert) {
        const QRectF column = grid.painted(0, expert);
        const double share = largest > 0 ? m_usage->expertTotal[static_cast<std::size_t>(expert)] / largest : 0;
        const QRectF track(column.left(), box.top(), column.width(), box.height());
        painter.fillRect(track, m_theme.colour(Theme::Role::Inset));
        painter.fillRect(QRectF(track.left(), track.bottom() - track.height() * share, track.width(), track.height() * share),
                         m_theme.colour(Theme::Role::Experts));
    }
}

ExpertsView::ExpertsView(QCustomPlot& plot, const Theme& theme) : m_theme(theme) {
    plot.plotLayout()->clear();
    plot.plotLayout()->setColumnSpacing(8);
    plot.plotLayout()->setRowSpacing(0);
    m_cells = new CellCanvas(addCellRect(plot, 0, 0), theme);
    m_outlines = new CellOutlines(*m_cells, theme);
    QCPAxisRect* side = addCellRect(plot, 0, 1);
    side->setMargins(QMargins(0, CellMargins::kTop, 0, 2));
    side->setMinimumSize(LayerColumns::kWidth, 20);
    side->setMaximumSize(LayerColumns::kWidth, QWIDGETSIZE_MAX);
    m_columns = new LayerColumns(side->axis(QCPAxis::atTop), side->axis(QCPAxis::atLeft), *m_cells, theme);
    m_legend = new HeatLegend(plot, theme, 42);
    m_legend->setMargins(QMargins(0, CellMargins::kTop, 0, 2));
    plot.plotLayout()->addElement(0, 2, m_legend);
    QCPAxisRect* bottom = addCellRect(plot, 1, 0);
    bottom->setMargins(QMargins(CellMargins::kLeft, 3, 0, 5));
    bottom->setMinimumSize(10, CellMargins::kBottomStrip);
    bottom->setMaximumSize(QWIDGETSIZE_MAX, CellMargins::kBottomStrip);
    m_bars = new ExpertBars(bottom->axis(QCPAxis::atTop), bottom->axis(QCPAxis::atLeft), *m_cells, theme);
}

void ExpertsView::show(const analysis::ExpertUsage& usage, const analysis::ExpertUsage& totals, analysis::UsageValue kind) {
    std::vector<QColor> fills;
    fills.reserve(usage.value.size());
    for (const double value : usage.value)
        fills.push_back(Theme::magnitude(usage.maximum > 0 ? value / usage.maximum : 0));
    m_cells->setCells(usage.layers, usage.experts, std::move(fills));
    m_columns->setUsage(&totals);
    m_bars->setUsage(&totals);
    m_legend->setEnds(usageText(usage.maximum, kind), QStringLiteral("0"));
}

} // namespace moescope::ui

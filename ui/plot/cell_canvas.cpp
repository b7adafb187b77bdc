#include "ui/plot/cell_canvas.h"

#include "ui/plot/plot_style.h"

#include <algorithm>
#include <cmath>

namespace moescope::ui {
namespace {
constexpr double kImageBelow = 4;    // pixels per cell
constexpr int kRoundedAtMost = 2048; // cells

bool inside(const trace::ExpertKey& key, const CellCanvas& cells) {
    return key.layer.value >= 0 && key.layer.value < cells.layers() && key.expert.value >= 0 &&
           key.expert.value < cells.experts();
}
} // namespace

CellCanvas::CellCanvas(QCPAxisRect* rect, const Theme& theme)
    : Canvas(rect->axis(QCPAxis::atTop), rect->axis(QCPAxis::atLeft), QStringLiteral("main"), true), m_theme(theme) {}

void CellCanvas::setCells(int layers, int experts, std::vector<QColor> fills, std::vector<CellMark> marks) {
    m_layers = layers;
    m_experts = experts;
    m_fills = std::move(fills);
    m_marks = std::move(marks);
}

CellGeometry CellCanvas::geometry() const {
    const QCPRange x = keyAxis()->range();
    const QCPRange y = valueAxis()->range();
    return {area(), {x.lower, y.lower}, {x.size(), y.size()}};
}

void CellCanvas::paint(QCPPainter& painter) {
    if (m_fills.empty())
        return;
    const CellGeometry grid = geometry();
    paintNumbers(painter, grid);
    painter.setClipRect(area());
    if (std::min(grid.cellWidth(), grid.cellHeight()) < kImageBelow)
        paintImage(painter, grid);
    else
        paintCells(painter, grid);
}

void CellCanvas::paintNumbers(QCPPainter& painter, const CellGeometry& grid) {
    const QRectF box = area();
    painter.setFont(m_theme.caption());
    painter.setPen(m_theme.colour(Theme::Role::Muted));
    const QFontMetricsF metrics(m_theme.caption());
    const double line = metrics.height();
    painter.drawText(QRectF(box.left() - CellMargins::kLeft, box.top() - line - 3, CellMargins::kLeft - 2, line),
                     Qt::AlignRight | Qt::AlignVCenter, QObject::tr("expert"));
    painter.save();
    painter.translate(box.left() - CellMargins::kLeft + line / 2 + 1, box.center().y());
    painter.rotate(-90);
    painter.drawText(QRectF(-60, -line / 2, 120, line), Qt::AlignCenter, QObject::tr("layer"));
    painter.restore();
    const int columnStep = labelStep(grid.cellWidth(), metrics.horizontalAdvance(QString::number(m_experts)) + 6);
    for (int expert = 0; expert < m_experts; expert += columnStep) {
        const double x = grid.cell(0, expert).center().x();
        if (x > box.left() && x < box.right())
            painter.drawText(QRectF(x - 20, box.top() - line - 3, 40, line), Qt::AlignCenter, QString::number(expert));
    }
    const int rowStep = labelStep(grid.cellHeight(), line);
    for (int layer = 0; layer < m_layers; layer += rowStep) {
        const double y = grid.cell(layer, 0).center().y();
        if (y > box.top() && y < box.bottom())
            painter.drawText(QRectF(box.left() - CellMargins::kLeft, y - line / 2, CellMargins::kLeft - 6, line),
                             Qt::AlignRight | Qt::AlignVCenter, QString::number(layer));
    }
}

void CellCanvas::paintImage(QCPPainter& painter, const CellGeometry& grid) {
    QImage image(m_experts, m_layers, QImage::Format_RGB32);
    for (int layer = 0; layer < m_layers; ++layer)
        for (int expert = 0; expert < m_experts; ++expert)
            image.setPixel(expert, layer, m_fills[static_cast<std::size_t>(layer * m_experts + expert)].rgb());
    const QRectF target = grid.cell(0, 0).united(grid.cell(m_layers - 1, m_experts - 1));
    painter.drawImage(target, image);
}

void CellCanvas::paintCells(QCPPainter& painter, const CellGeometry& grid) {
    const bool rounded = m_layers * m_experts <= kRoundedAtMost && grid.radius() >= 1;
    const QBrush hatch = hatched(m_theme.colour(Theme::Role::Panel));
    const QBrush dots(m_theme.colour(Theme::Role::Panel), Qt::Dense6Pattern);
    painter.setAntialiasing(rounded);
    painter.setPen(Qt::NoPen);
    const auto fill = [&](const QRectF& box, const QBrush& brush) {
        if (rounded) {
            painter.setBrush(brush);
            painter.drawRoundedRect(box, grid.radius(), grid.radius());
        } else {
            painter.fillRect(box, brush);
        }
    };
    for (int layer = 0; layer < m_layers; ++layer)
        for (int expert = 0; expert < m_experts; ++expert) {
            const QRectF box = grid.painted(layer, expert);
            if (!box.intersects(grid.area()))
                continue;
            const auto index = static_cast<std::size_t>(layer * m_experts + expert);
            fill(box, m_fills[index]);
            if (!m_marks.empty() && m_marks[index] != CellMark::Plain)
                fill(box, m_marks[index] == CellMark::Hatched ? hatch : dots);
        }
}

CellOutlines::CellOutlines(const CellCanvas& cells, const Theme& theme)
    : Canvas(cells.keyAxis(), cells.valueAxis(), QStringLiteral("overlay"), true), m_cells(cells), m_theme(theme) {}

bool CellOutlines::setUsed(std::vector<trace::ExpertKey> used) {
    if (used == m_used)
        return false;
    m_used = std::move(used);
    return true;
}

bool CellOutlines::setFocus(std::optional<trace::ExpertKey> chosen, std::optional<trace::ExpertKey> hovered,
                            std::optional<int> chosenLayer) {
    if (chosen == m_chosen && hovered == m_hovered && chosenLayer == m_chosenLayer)
        return false;
    m_chosen = chosen;
    m_hovered = hovered;
    m_chosenLayer = chosenLayer;
    return true;
}

void CellOutlines::outline(QCPPainter& painter, const trace::ExpertKey& key, const QColor& colour, double width, double grow) {
    if (!inside(key, m_cells))
        return;
    const CellGeometry grid = m_cells.geometry();
    const QRectF box = grid.painted(key.layer.value, key.expert.value).adjusted(-grow, -grow, grow, grow);
    painter.setPen(QPen(colour, width));
    painter.setBrush(Qt::NoBrush);
    painter.drawRoundedRect(box, grid.radius(), grid.radius());
}

void CellOutlines::paint(QCPPainter& painter) {
    const QColor ink = m_theme.colour(Theme::Role::Ink);
    const QColor accent = m_theme.colour(Theme::Role::Accent);
    if (m_chosenLayer && *m_chosenLayer < m_cells.layers()) {
        const QRectF row = m_cells.geometry().cell(*m_chosenLayer, 0);
        painter.fillRect(QRectF(area().left() - 5, row.top() + 1, 3, row.height() - 2), accent);
    }
    painter.setClipRect(area().adjusted(-2, -2, 2, 2));
    painter.setAntialiasing(true);
    for (const trace::ExpertKey& key : m_used)
        outline(painter, key, ink, 1.6, -0.4);
    if (m_chosen) {
        outline(painter, *m_chosen, m_theme.colour(Theme::Role::Panel), 1.2, -1.6);
        outline(painter, *m_chosen, accent, 2.6, 0.4);
    }
    if (m_hovered)
        outline(painter, *m_hovered, ink, 1, 1);
}

QCPAxisRect* addCellRect(QCustomPlot& plot, int row, int column) {
    auto* rect = new QCPAxisRect(&plot, false);
    rect->addAxes(QCPAxis::atTop | QCPAxis::atLeft);
    rect->setAutoMargins(QCP::msNone);
    rect->setMargins(QMargins(CellMargins::kLeft, CellMargins::kTop, 0, 2));
    for (QCPAxis* axis : rect->axes()) {
        bareAxis(*axis);
        axis->setTickLabels(false);
    }
    plot.plotLayout()->addElement(row, column, rect);
    return rect;
}

void showWholeGrid(QCPAxis& experts, QCPAxis& layers, int layerCount, int expertCount) {
    experts.setRange(0, std::max(1, expertCount));
    layers.setRange(0, std::max(1, layerCount));
    layers.setRangeReversed(true);
}

} // namespace moescope::ui

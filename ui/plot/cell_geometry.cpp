#include "ui/plot/cell_geometry.h"

#include <algorithm>
#include <cmath>

namespace moescope::ui {

CellGeometry::CellGeometry(const QRectF& area, QPointF first, QSizeF visible)
    : m_area(area), m_first(first), m_visible(visible) {}

double CellGeometry::cellWidth() const {
    return m_area.width() / m_visible.width();
}

double CellGeometry::cellHeight() const {
    return m_area.height() / m_visible.height();
}

double CellGeometry::gap() const {
    const double least = std::min(cellWidth(), cellHeight());
    return least < 5 ? 0 : least < 10 ? 1 : 2;
}

double CellGeometry::radius() const {
    return std::clamp(std::min(cellWidth(), cellHeight()) / 8, 0.0, 3.0);
}

QRectF CellGeometry::cell(int layer, int expert) const {
    return {m_area.left() + (expert - m_first.x()) * cellWidth(), m_area.top() + (layer - m_first.y()) * cellHeight(),
            cellWidth(), cellHeight()};
}

QRectF CellGeometry::painted(int layer, int expert) const {
    const double half = gap() / 2;
    return cell(layer, expert).adjusted(half, half, -half, -half);
}

std::optional<trace::ExpertKey> CellGeometry::at(const QPointF& point, int layers, int experts) const {
    if (!m_area.contains(point))
        return std::nullopt;
    const int expert = static_cast<int>(std::floor(m_first.x() + (point.x() - m_area.left()) / cellWidth()));
    const int layer = static_cast<int>(std::floor(m_first.y() + (point.y() - m_area.top()) / cellHeight()));
    if (layer < 0 || layer >= layers || expert < 0 || expert >= experts)
        return std::nullopt;
    return trace::expertKey(layer, expert);
}

int labelStep(double cellPixels, double neededPixels) {
    if (cellPixels <= 0)
        return 1;
    const double needed = neededPixels / cellPixels;
    for (int decade = 1; decade <= 100000; decade *= 10)
        for (const int step : {1, 2, 5})
            if (step * decade >= needed)
                return step * decade;
    return 1000000;
}

trace::ExpertKey steppedCell(std::optional<trace::ExpertKey> from, int dx, int dy, int layers, int experts) {
    if (!from || !from->layer.valid())
        return trace::expertKey(0, 0);
    return trace::expertKey(std::clamp(from->layer.value + dy, 0, std::max(0, layers - 1)),
                            std::clamp(from->expert.value + dx, 0, std::max(0, experts - 1)));
}

} // namespace moescope::ui

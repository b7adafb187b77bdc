#pragma once
#include "engine/trace/ids.h"

#include <QPointF>
#include <QRectF>
#include <QSizeF>
#include <optional>

namespace moescope::ui {

/// Layers downwards, experts to the right: where each cell of a layers x experts grid lies. Pure; Experts and Cache share it,
/// so that the eye can jump between them.
class CellGeometry {
public:
    CellGeometry() = default;
    /// area shows layers [firstLayer, firstLayer + visibleLayers) and the like experts; fractions are allowed (zoomed views).
    CellGeometry(const QRectF& area, QPointF first, QSizeF visible);

    /// Without the gap to its neighbours.
    QRectF cell(int layer, int expert) const;
    /// As painted: with a gap where cells are large enough to have one.
    QRectF painted(int layer, int expert) const;
    /// Which cell of a grid of that size is there, gaps counted to their cell.
    std::optional<trace::ExpertKey> at(const QPointF& point, int layers, int experts) const;
    double cellWidth() const;
    double cellHeight() const;
    double gap() const;
    double radius() const;
    const QRectF& area() const { return m_area; }

private:
    QRectF m_area;
    QPointF m_first;
    QSizeF m_visible{1, 1};
};

/// Every how many rows a number fits when each needs the given pixels: 1, 2, 5, 10, 20 ...
int labelStep(double cellPixels, double neededPixels);
/// One step with the arrow keys, kept inside the grid.
trace::ExpertKey steppedCell(std::optional<trace::ExpertKey> from, int dx, int dy, int layers, int experts);

} // namespace moescope::ui

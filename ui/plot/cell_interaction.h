#pragma once
#include "ui/plot/cell_canvas.h"
#include "ui/selection.h"

#include <QObject>
#include <functional>

namespace moescope::ui {

class PlotWidget;

/// What a grid of cells does when pointed at, clicked and stepped through: reads out, hovers and chooses in the shared
/// selection, zooms, and outlines what is selected. Child of the plot; GUI thread.
class CellInteraction : public QObject {
    Q_OBJECT
public:
    /// readout: the exact figures of a cell as rich text.
    CellInteraction(PlotWidget& plot, const CellCanvas& cells, CellOutlines& outlines, Selection& selection,
                    std::function<QString(trace::ExpertKey)> readout);

    /// Call after the grid's shape may have changed: keeps zoom limits in step, shows a new grid whole.
    void gridChanged();

private:
    void hover(const QPointF& at);
    void click(const QPointF& at);
    void step(int dx, int dy);
    void choose(std::optional<trace::ExpertKey> key);
    void outlineSelection();
    void showWhole();
    std::optional<trace::ExpertKey> cellAt(const QPointF& at) const;

    PlotWidget& m_plot;
    const CellCanvas& m_cells;
    CellOutlines& m_outlines;
    Selection& m_selection;
    std::function<QString(trace::ExpertKey)> m_readout;
    std::optional<trace::ExpertKey> m_told; ///< the cell that the read-out is about
    int m_layers = 0;
    int m_experts = 0;
};

} // namespace moescope::ui

#pragma once
#include "profiler/analysis/snapshot.h"
#include "ui/plot/cell_canvas.h"
#include "ui/plot/legend_row.h"

namespace moescope::ui {

/// Per layer: hit rate as a bar, the offline optimum as a mark on it, the number of slots behind it.
class HitRateBars final : public Canvas {
public:
    static constexpr int kWidth = 104;
    HitRateBars(QCPAxis* key, QCPAxis* value, const CellCanvas& cells, const Theme& theme);
    void setSnapshot(analysis::SnapshotPtr snapshot) { m_snapshot = std::move(snapshot); }

protected:
    void paint(QCPPainter& painter) override;

private:
    void paintLayer(QCPPainter& painter, const QRectF& row, const analysis::LayerRecord& life);
    const CellCanvas& m_cells;
    const Theme& m_theme;
    analysis::SnapshotPtr m_snapshot;
};

/// Paints cache residency on a QCustomPlot: grid, hit rates, legend. The plot owns the parts.
class CacheView {
public:
    CacheView(QCustomPlot& plot, const Theme& theme);
    void show(const analysis::SnapshotPtr& snapshot);
    const CellCanvas& cells() const { return *m_cells; }
    CellOutlines& outlines() { return *m_outlines; }

private:
    const Theme& m_theme;
    CellCanvas* m_cells = nullptr;
    CellOutlines* m_outlines = nullptr;
    HitRateBars* m_rates = nullptr;
    LegendRow* m_legend = nullptr;
};

} // namespace moescope::ui

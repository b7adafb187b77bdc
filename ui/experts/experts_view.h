#pragma once
#include "profiler/analysis/range_figures.h"
#include "ui/plot/cell_canvas.h"
#include "ui/plot/legend_row.h"

namespace moescope::ui {

/// Slim bars per layer with the layer's entropy and experts-for-90 % beside them; shares the grid's layer axis range.
class LayerColumns final : public Canvas {
public:
    static constexpr int kWidth = 88;
    LayerColumns(QCPAxis* key, QCPAxis* value, const CellCanvas& cells, const Theme& theme);
    void setUsage(const analysis::ExpertUsage* usage) { m_usage = usage; }

protected:
    void paint(QCPPainter& painter) override;

private:
    const CellCanvas& m_cells;
    const Theme& m_theme;
    const analysis::ExpertUsage* m_usage = nullptr;
};

/// Slim bars per expert under the grid.
class ExpertBars final : public Canvas {
public:
    ExpertBars(QCPAxis* key, QCPAxis* value, const CellCanvas& cells, const Theme& theme);
    void setUsage(const analysis::ExpertUsage* usage) { m_usage = usage; }

protected:
    void paint(QCPPainter& painter) override;

private:
    const CellCanvas& m_cells;
    const Theme& m_theme;
    const analysis::ExpertUsage* m_usage = nullptr;
};

/// Paints expert activations on a QCustomPlot: heatmap, margins, legend, outlines. The plot owns the parts.
class ExpertsView {
public:
    ExpertsView(QCustomPlot& plot, const Theme& theme);

    /// totals: what the bars in the margins add up. Both must outlive the view.
    void show(const analysis::ExpertUsage& usage, const analysis::ExpertUsage& totals, analysis::UsageValue kind);
    CellOutlines& outlines() { return *m_outlines; }
    const CellCanvas& cells() const { return *m_cells; }

private:
    const Theme& m_theme;
    CellCanvas* m_cells = nullptr;
    CellOutlines* m_outlines = nullptr;
    LayerColumns* m_columns = nullptr;
    ExpertBars* m_bars = nullptr;
    HeatLegend* m_legend = nullptr;
};

} // namespace moescope::ui

#pragma once
#include "ui/gating/gating_model.h"
#include "ui/plot/canvas.h"
#include "ui/plot/legend_row.h"
#include "ui/theme.h"

namespace moescope::ui {

/// Histogram of the weight share that gating may drop, split into what ran and what was dropped.
class ShareHistogram final : public Canvas {
public:
    ShareHistogram(QCPAxisRect* rect, const Theme& theme);
    void setHistogram(analysis::GateHistogram histogram) { m_histogram = std::move(histogram); }
    const analysis::GateHistogram& histogram() const { return m_histogram; }
    int binAt(double x) const;

protected:
    void paint(QCPPainter& painter) override;

private:
    const Theme& m_theme;
    analysis::GateHistogram m_histogram;
};

/// The threshold as a line to drag, with every layer's own edge as a tick. On the overlay layer.
class ThresholdLine final : public Canvas {
public:
    ThresholdLine(QCPAxisRect* rect, const Theme& theme);
    struct State {
        double share = -1;    ///< where the line stands; below 0: there is none
        bool active = true;   ///< false: drawn muted, it does not act
        bool pending = false; ///< dragged, not yet in force
        QString words;
        std::vector<double> layerShares; ///< per layer, empty when one layer is shown
    };
    void setState(State state) { m_state = std::move(state); }
    const State& state() const { return m_state; }
    bool hit(const QPointF& at) const;

protected:
    void paint(QCPPainter& painter) override;

private:
    const Theme& m_theme;
    State m_state;
};

/// Per layer: the share of decisions with a single expert as a bar, mean experts as figures.
class LayerShares final : public Canvas {
public:
    LayerShares(QCPAxisRect* rect, const GatingModel& model, const Theme& theme);
    void setChosen(int layer) { m_chosen = layer; }
    int layerAt(const QPointF& at) const;

protected:
    void paint(QCPPainter& painter) override;

private:
    const GatingModel& m_model;
    const Theme& m_theme;
    int m_chosen = -1;
};

/// The gating plot: histogram with threshold above, layers below. The plot owns the parts.
class GatingView {
public:
    GatingView(QCustomPlot& plot, const GatingModel& model, const Theme& theme);
    ShareHistogram& histogram() { return *m_histogram; }
    ThresholdLine& threshold() { return *m_threshold; }
    LayerShares& layers() { return *m_layers; }
    QCPAxis& shareAxis() const { return *m_histogram->keyAxis(); }
    void restyle();
    void showLegend(bool on);
    /// Shows the layers only where the histogram keeps enough room; their figures are in the table too.
    void fit(int height);

private:
    const Theme& m_theme;
    QCPAxisRect* m_lower = nullptr;
    ShareHistogram* m_histogram = nullptr;
    ThresholdLine* m_threshold = nullptr;
    LayerShares* m_layers = nullptr;
    LegendRow* m_legend = nullptr;
};

} // namespace moescope::ui

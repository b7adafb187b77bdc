#pragma once
#include "ui/gating/cost_plot.h"
#include "ui/gating/layer_strips.h"
#include "ui/gating/share_histogram.h"

namespace moescope::ui {

/// What stands below the histogram where there is room for one thing only.
enum class GatingPage { Layers, Sensitivity, Cost };

/// The gating plot: histogram with threshold above; below it the layers' shares, their sensitivities and the measured cost,
/// one of them or, in a tall panel, all. The plot owns the parts.
class GatingView {
public:
    GatingView(QCustomPlot& plot, const GatingModel& model, const Theme& theme);
    ShareHistogram& histogram() { return *m_histogram; }
    ThresholdLine& threshold() { return *m_threshold; }
    LayerShares& shares() { return *m_shares; }
    LayerSensitivities& sensitivities() { return *m_sensitivities; }
    CostPlot& cost() { return *m_cost; }
    QCPAxis& shareAxis() const { return *m_histogram->keyAxis(); }
    /// The layer under the pixel in whichever strip is shown; -1: none; the number of layers: all.
    int layerAt(const QPointF& at) const;
    void setChosen(int layer);
    void restyle();
    /// Gives the histogram enough room before anything else gets some.
    void fit(int height, GatingPage page);
    /// Whether everything fits, so that there is no page to choose.
    static bool fitsAll(int height);

private:
    const Theme& m_theme;
    ShareHistogram* m_histogram = nullptr;
    ThresholdLine* m_threshold = nullptr;
    LayerShares* m_shares = nullptr;
    LayerSensitivities* m_sensitivities = nullptr;
    CostPlot* m_cost = nullptr;
};

} // namespace moescope::ui

#pragma once
#include "profiler/analysis/range_figures.h"
#include "ui/plot/canvas.h"
#include "ui/theme.h"

#include <vector>

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
    void paintLegend(QCPPainter& painter);
    const Theme& m_theme;
    analysis::GateHistogram m_histogram;
};

/// The threshold as a line to drag, with every layer's own edge as a tick, and a published method's bands as guidance. On the
/// overlay layer.
class ThresholdLine final : public Canvas {
public:
    ThresholdLine(QCPAxisRect* rect, const Theme& theme);
    struct Band {
        double upTo = 0; ///< share where it ends
        QString words;
    };
    struct State {
        double share = -1;    ///< where the line stands; below 0: there is none
        bool active = true;   ///< false: drawn muted, it does not act
        bool pending = false; ///< dragged or tried, not in force
        QString words;
        std::vector<double> layerShares; ///< per layer, empty when one layer is shown
        std::vector<Band> guidance;      ///< from share 0 on; empty: none
        QString guidanceName;
    };
    void setState(State state) { m_state = std::move(state); }
    const State& state() const { return m_state; }
    bool hit(const QPointF& at) const;

protected:
    void paint(QCPPainter& painter) override;

private:
    void paintGuidance(QCPPainter& painter);
    void paintLine(QCPPainter& painter);
    void paintWords(QCPPainter& painter, const QPointF& from, const QString& words, const QColor& ink);

    const Theme& m_theme;
    State m_state;
};

} // namespace moescope::ui

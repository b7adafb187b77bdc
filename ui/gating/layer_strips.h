#pragma once
#include "ui/gating/gating_model.h"
#include "ui/plot/canvas.h"
#include "ui/theme.h"

namespace moescope::ui {

/// One upright bar per layer in a strip below the histogram, with a title line above and the layers' numbers below. Concrete
/// strips say what stands in a layer's track.
class LayerStrip : public Canvas {
public:
    static constexpr int kTitle = 14;   ///< pixels above the tracks, inside the axis rect's margin
    static constexpr int kNumbers = 15; ///< below

    LayerStrip(QCPAxisRect* rect, const GatingModel& model, const Theme& theme, bool withAll);
    void setChosen(int layer) { m_chosen = layer; }
    /// -1: none; the number of layers: "all".
    int layerAt(const QPointF& at) const;

protected:
    void paint(QCPPainter& painter) final;
    virtual QString title() const = 0;
    virtual void paintTrack(QCPPainter& painter, const QRectF& track, int layer) = 0;
    /// Figure at the top of the layer's track; empty: none.
    virtual QString figure(int layer) const = 0;
    const GatingModel& model() const { return m_model; }
    const Theme& theme() const { return m_theme; }

private:
    int columns() const;
    const GatingModel& m_model;
    const Theme& m_theme;
    bool m_withAll;
    int m_chosen = -1;
};

/// The share of decisions with a single expert as bars, answers and prompts side by side, mean experts as figures.
class LayerShares final : public LayerStrip {
public:
    LayerShares(QCPAxisRect* rect, const GatingModel& model, const Theme& theme) : LayerStrip(rect, model, theme, true) {}

protected:
    QString title() const override;
    void paintTrack(QCPPainter& painter, const QRectF& track, int layer) override;
    QString figure(int layer) const override;
};

/// The sensitivities in the form that the gate uses, the largest as high as the strip.
class LayerSensitivities final : public LayerStrip {
public:
    LayerSensitivities(QCPAxisRect* rect, const GatingModel& model, const Theme& theme)
        : LayerStrip(rect, model, theme, false) {}
    /// What the bars show: the gate's form, else the refined one.
    const std::vector<double>& shown() const;

protected:
    QString title() const override;
    void paintTrack(QCPPainter& painter, const QRectF& track, int layer) override;
    QString figure(int layer) const override;
};

} // namespace moescope::ui

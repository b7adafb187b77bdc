#pragma once
#include "ui/gate_estimate.h"
#include "ui/plot/canvas.h"
#include "ui/theme.h"

namespace moescope::ui {

/// Measured quality cost against mean experts: a line with points per gate, the one in force on top, the losses of number
/// formats as named lines, and where the setting stands. Its axes are those of its rect.
class CostPlot final : public Canvas {
public:
    CostPlot(QCPAxisRect* rect, const Theme& theme);

    /// gate: in force. Sets the axes' ranges.
    void setCosts(const policy::GateCosts& costs, const QString& gate, int topK);
    bool empty() const { return m_curves.empty(); }
    /// Where the setting in force stands, and the one that is being tried.
    void setPresent(std::optional<policy::GateCostPoint> present) { m_present = std::move(present); }
    void setTried(std::optional<policy::GateCostPoint> tried) { m_tried = std::move(tried); }
    const std::optional<policy::GateCostPoint>& present() const { return m_present; }
    const std::optional<policy::GateCostPoint>& tried() const { return m_tried; }
    /// The shown setting's price: figures, and the scale's words for them.
    void setWords(const QString& figures, const QString& loss);
    const QString& figures() const { return m_figures; }
    const QString& lossWords() const { return m_loss; }
    /// The measured point nearest to the pixel, within reach of a pointer.
    const policy::GateCostPoint* pointAt(const QPointF& at) const;

protected:
    void paint(QCPPainter& painter) override;

private:
    struct Curve {
        QString gate;
        std::vector<policy::GateCostPoint> points;
    };
    QPointF pixel(const policy::GateCostPoint& point) const;
    void paintLosses(QCPPainter& painter);
    void paintCurve(QCPPainter& painter, const Curve& curve, bool chosen);
    void paintMark(QCPPainter& painter, const policy::GateCostPoint& point, bool firm);
    void paintTitle(QCPPainter& painter);

    const Theme& m_theme;
    std::vector<Curve> m_curves; ///< the gate in force last
    std::vector<policy::QuantisationLoss> m_losses;
    QString m_gate;
    QString m_figures;
    QString m_loss;
    std::optional<policy::GateCostPoint> m_present;
    std::optional<policy::GateCostPoint> m_tried;
};

} // namespace moescope::ui

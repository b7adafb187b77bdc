#pragma once
#include "ui/plot/custom_plot.h"

namespace moescope::ui {

/// A plottable that paints itself in pixels over its axis rect, so that a panel's view is one class with one paint function.
/// Owned by the QCustomPlot it is made on; GUI thread.
class Canvas : public QCPAbstractPlottable {
public:
    /// bleed: may paint into the margins of its axis rect (row headers, column titles).
    Canvas(QCPAxis* key, QCPAxis* value, const QString& layer, bool bleed = false);

    double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }
    QCPRange getKeyRange(bool& found, QCP::SignDomain) const override;
    QCPRange getValueRange(bool& found, QCP::SignDomain, const QCPRange&) const override;

    /// The inner rect that the axes span, pixels.
    QRectF area() const;

protected:
    virtual void paint(QCPPainter& painter) = 0;

private:
    void draw(QCPPainter* painter) final;
    void drawLegendIcon(QCPPainter*, const QRectF&) const final {}
    QRect clipRect() const final;
    void applyDefaultAntialiasingHint(QCPPainter* painter) const final;

    bool m_bleed;
};

/// Fill of what was lost, is not attributed or is not there yet: diagonal lines over the ground colour.
QBrush hatched(const QColor& colour);

} // namespace moescope::ui

#include "ui/plot/canvas.h"

namespace moescope::ui {

Canvas::Canvas(QCPAxis* key, QCPAxis* value, const QString& layer, bool bleed)
    : QCPAbstractPlottable(key, value), m_bleed(bleed) {
    setLayer(layer);
    setSelectable(QCP::stNone);
    removeFromLegend();
}

QCPRange Canvas::getKeyRange(bool& found, QCP::SignDomain) const {
    found = false;
    return {};
}

QCPRange Canvas::getValueRange(bool& found, QCP::SignDomain, const QCPRange&) const {
    found = false;
    return {};
}

QRectF Canvas::area() const {
    return QRectF(keyAxis()->axisRect()->rect());
}

void Canvas::draw(QCPPainter* painter) {
    painter->save();
    paint(*painter);
    painter->restore();
}

QRect Canvas::clipRect() const {
    const QCPAxisRect* rect = keyAxis()->axisRect();
    return m_bleed ? rect->outerRect() : rect->rect();
}

void Canvas::applyDefaultAntialiasingHint(QCPPainter* painter) const {
    painter->setAntialiasing(false);
}

QBrush hatched(const QColor& colour) {
    return QBrush(colour, Qt::BDiagPattern);
}

} // namespace moescope::ui

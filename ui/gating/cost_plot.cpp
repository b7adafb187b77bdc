#include "ui/gating/cost_plot.h"

#include <algorithm>

namespace moescope::ui {

using Role = Theme::Role;

namespace {
constexpr double kReach = 9; // pixels between a pointer and the point it means
}

CostPlot::CostPlot(QCPAxisRect* rect, const Theme& theme)
    : Canvas(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft), QStringLiteral("main"), true), m_theme(theme) {}

void CostPlot::setCosts(const policy::GateCosts& costs, const QString& gate, int topK) {
    m_gate = gate;
    m_losses = costs.quantisation;
    m_curves.clear();
    std::vector<std::string> names;
    for (const policy::GateCostPoint& point : costs.points)
        if (std::find(names.begin(), names.end(), point.gate) == names.end())
            names.push_back(point.gate);
    for (const std::string& name : names) {
        const QString curve = QString::fromStdString(name);
        if (auto points = costCurve(costs, curve, topK); !points.empty())
            m_curves.push_back({curve, std::move(points)});
    }
    std::stable_partition(m_curves.begin(), m_curves.end(), [&](const Curve& curve) { return curve.gate != gate; });
    double loss = 0;
    for (const auto& mark : m_losses)
        loss = std::max(loss, mark.meanKl);
    double own = 0;
    double least = topK;
    for (const Curve& curve : m_curves)
        for (const auto& point : curve.points) {
            own = std::max(own, curve.gate == gate || gate == QStringLiteral("topk") ? point.meanKl : 0);
            least = std::min(least, point.meanExperts);
        }
    // The scale of what is known keeps its room; far ends of the curves leave through the top.
    const double top = loss > 0 ? std::clamp(own, 1.3 * loss, 3 * loss) : own;
    valueAxis()->setRange(0, top > 0 ? top : 0.01);
    keyAxis()->setRange(std::min(least, topK - 0.25) - 0.02, topK + 0.02);
}

QPointF CostPlot::pixel(const policy::GateCostPoint& point) const {
    return {keyAxis()->coordToPixel(point.meanExperts), valueAxis()->coordToPixel(point.meanKl)};
}

const policy::GateCostPoint* CostPlot::pointAt(const QPointF& at) const {
    const policy::GateCostPoint* nearest = nullptr;
    double least = kReach * kReach;
    if (!visible())
        return nullptr;
    for (const Curve& curve : m_curves)
        for (const auto& point : curve.points) {
            const QPointF away = pixel(point) - at;
            if (const double distance = QPointF::dotProduct(away, away); distance <= least) {
                least = distance;
                nearest = &point;
            }
        }
    return nearest;
}

void CostPlot::paint(QCPPainter& painter) {
    painter.setFont(m_theme.caption());
    paintTitle(painter);
    if (empty())
        return;
    painter.setPen(QPen(m_theme.colour(Role::Line), 0));
    painter.drawLine(area().bottomLeft(), area().bottomRight());
    painter.save();
    painter.setClipRect(area().adjusted(0, -1, 8, 1));
    paintLosses(painter);
    painter.setAntialiasing(true);
    for (const Curve& curve : m_curves)
        paintCurve(painter, curve, curve.gate == m_gate);
    painter.restore();
    painter.setAntialiasing(true);
    if (m_present)
        paintMark(painter, *m_present, true);
    if (m_tried)
        paintMark(painter, *m_tried, false);
}

void CostPlot::setWords(const QString& figures, const QString& loss) {
    m_figures = figures;
    m_loss = loss;
}

void CostPlot::paintTitle(QCPPainter& painter) {
    const QFontMetricsF metrics(m_theme.caption());
    const QRectF whole(keyAxis()->axisRect()->outerRect().adjusted(14, 0, -8, 0));
    const auto line = [&](int row, const QString& words, Role role) {
        painter.setPen(m_theme.colour(role));
        painter.drawText(QRectF(whole.left(), whole.top() + row * 14, whole.width(), 14), Qt::AlignLeft | Qt::AlignVCenter,
                         metrics.elidedText(words, Qt::ElideRight, whole.width()));
    };
    if (empty()) {
        line(0, QObject::tr("No measured quality cost of this model here."), Role::Muted);
        line(1, QObject::tr("moescope-engine quality measures it;"), Role::Muted);
        line(2, QObject::tr("later sessions then hold it."), Role::Muted);
        return;
    }
    const QString unmeasured = QObject::tr("%1 was not measured").arg(m_gate);
    line(0, m_figures.isEmpty() ? unmeasured : m_figures, Role::Ink);
    line(1, m_loss, Role::Ink);
    line(2, QObject::tr("KL (nats per token) over experts per token"), Role::Muted);
}

void CostPlot::paintLosses(QCPPainter& painter) {
    const QFontMetricsF metrics(m_theme.caption());
    double freeBelow = area().bottom() + 1;
    std::vector<policy::QuantisationLoss> losses = m_losses;
    std::sort(losses.begin(), losses.end(), [](const auto& a, const auto& b) { return a.meanKl < b.meanKl; });
    for (const auto& loss : losses) {
        const double y = valueAxis()->coordToPixel(loss.meanKl);
        if (y < area().top())
            continue;
        painter.setPen(QPen(m_theme.colour(Role::Muted), 1, Qt::DashLine));
        painter.drawLine(QPointF(area().left(), y), QPointF(area().right(), y));
        const double bottom = std::min(y - 1, freeBelow);
        const QString name = QString::fromStdString(loss.type);
        const double width = metrics.horizontalAdvance(name) + 6;
        const QRectF box(area().right() - width, bottom - metrics.height(), width, metrics.height());
        painter.drawText(box, Qt::AlignCenter, name);
        freeBelow = box.top();
    }
}

void CostPlot::paintCurve(QCPPainter& painter, const Curve& curve, bool chosen) {
    QPolygonF line;
    for (const auto& point : curve.points)
        line << pixel(point);
    painter.setPen(QPen(m_theme.colour(chosen ? Role::Accent : Role::Other), chosen ? 1.8 : 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawPolyline(line);
    if (!chosen)
        return;
    painter.setPen(Qt::NoPen);
    painter.setBrush(m_theme.colour(Role::Accent));
    for (const QPointF& at : line)
        painter.drawEllipse(at, 2.2, 2.2);
}

void CostPlot::paintMark(QCPPainter& painter, const policy::GateCostPoint& point, bool firm) {
    QPointF at = pixel(point);
    at.setY(std::max(at.y(), area().top()));
    painter.setPen(QPen(m_theme.colour(Role::Ink), 1.8, firm ? Qt::SolidLine : Qt::DotLine));
    painter.setBrush(firm ? QBrush(m_theme.colour(Role::Panel)) : QBrush(Qt::NoBrush));
    painter.drawEllipse(at, 5, 5);
    painter.setPen(QPen(m_theme.colour(Role::Ink), 1, Qt::DotLine));
    painter.drawLine(QPointF(at.x(), at.y() + 6), QPointF(at.x(), area().bottom()));
}

} // namespace moescope::ui

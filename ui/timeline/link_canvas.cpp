#include "ui/timeline/link_canvas.h"

#include "ui/format.h"

#include <algorithm>
#include <cmath>

namespace moescope::ui {

using Role = Theme::Role;

LinkCanvas::LinkCanvas(QCPAxisRect* rect, const TimelineScene& scene, const Theme& theme)
    : Canvas(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft), QStringLiteral("main"), true), m_scene(scene),
      m_theme(theme) {}

std::optional<std::array<double, 3>> LinkCanvas::rateAt(trace::TimeNs time) const {
    if (!m_scene.window)
        return std::nullopt;
    for (const auto& bucket : m_scene.window->link)
        if (time >= bucket.begin && time < bucket.end) {
            const double seconds = static_cast<double>(bucket.end - bucket.begin) / 1e9;
            return std::array{static_cast<double>(bucket.bytes[0]) / seconds, static_cast<double>(bucket.bytes[1]) / seconds,
                              static_cast<double>(bucket.bytes[2]) / seconds};
        }
    return std::nullopt;
}

double LinkCanvas::top() const {
    double highest = m_scene.limit.value_or(0);
    for (const auto& bucket : m_scene.window->link)
        if (bucket.end > bucket.begin)
            highest = std::max(highest, static_cast<double>(bucket.bytes[0] + bucket.bytes[1] + bucket.bytes[2]) * 1e9 /
                                            static_cast<double>(bucket.end - bucket.begin));
    if (highest <= 0)
        return 1e9;
    const double decade = std::pow(10, std::floor(std::log10(highest * 1.12)));
    return std::ceil(highest * 1.12 / decade * 2) / 2 * decade;
}

void LinkCanvas::paint(QCPPainter& painter) {
    if (!m_scene.window || !m_scene.snapshot)
        return;
    const double highest = top();
    const double line = QFontMetricsF(m_theme.caption()).height();
    painter.setFont(m_theme.caption());
    painter.setPen(m_theme.colour(Role::Muted));
    painter.drawText(QRectF(Theme::kGrid, area().top(), TimelineScene::kLeft - 12, line), Qt::AlignLeft,
                     QObject::tr("link (GB/s)"));
    painter.drawText(QRectF(0, area().top(), TimelineScene::kLeft - 5, line), Qt::AlignRight, format::number(highest / 1e9, 3));
    painter.drawText(QRectF(0, area().bottom() - line, TimelineScene::kLeft - 5, line), Qt::AlignRight, QStringLiteral("0"));
    painter.drawText(QRectF(Theme::kGrid, area().bottom() + 3, TimelineScene::kLeft - 12, line), Qt::AlignLeft,
                     QObject::tr("time (ms)"));
    painter.setClipRect(area());
    paintArea(painter, highest);
    if (m_scene.limit)
        paintLine(painter, *m_scene.limit, highest, QObject::tr("emulated limit %1").arg(format::bandwidth(*m_scene.limit)),
                  false);
    else if (m_scene.snapshot->summary.linkBytesPerSecond > 0)
        paintLine(painter, m_scene.snapshot->summary.linkBytesPerSecond, highest,
                  QObject::tr("mean while busy %1").arg(format::bandwidth(m_scene.snapshot->summary.linkBytesPerSecond)), true);
    const TimeScale time = scaleOf(*this);
    painter.setPen(QPen(m_theme.colour(Role::SettingMarker), 1.4, Qt::DashLine));
    for (const analysis::SettingChangeRecord& change : m_scene.snapshot->changes)
        if (const double x = time.x(change.at); x >= area().left() && x <= area().right())
            painter.drawLine(QPointF(x, area().top()), QPointF(x, area().bottom()));
}

void LinkCanvas::paintArea(QCPPainter& painter, double highest) {
    const TimeScale time = scaleOf(*this);
    const auto height = [&](double rate) { return area().bottom() - rate / highest * area().height(); };
    QPolygonF outline;
    for (const auto& bucket : m_scene.window->link) {
        if (bucket.end <= bucket.begin)
            continue;
        const double rate = static_cast<double>(bucket.bytes[0] + bucket.bytes[1] + bucket.bytes[2]) * 1e9 /
                            static_cast<double>(bucket.end - bucket.begin);
        outline << QPointF(time.x(bucket.begin), height(rate)) << QPointF(time.x(bucket.end), height(rate));
    }
    if (outline.isEmpty())
        return;
    QColor fill = m_theme.colour(Role::Allocation);
    QPolygonF body = outline;
    body << QPointF(outline.back().x(), area().bottom()) << QPointF(outline.front().x(), area().bottom());
    painter.setPen(Qt::NoPen);
    fill.setAlpha(70);
    painter.setBrush(fill);
    painter.drawPolygon(body);
    painter.setPen(QPen(m_theme.colour(Role::Allocation), 1));
    painter.drawPolyline(outline);
    painter.setPen(QPen(m_theme.colour(Role::Line), 0));
    painter.drawLine(QPointF(area().left(), area().bottom() - 0.5), QPointF(area().right(), area().bottom() - 0.5));
}

void LinkCanvas::paintLine(QCPPainter& painter, double value, double highest, const QString& name, bool below) {
    const double y = area().bottom() - value / highest * area().height();
    const double line = QFontMetricsF(m_theme.caption()).height();
    painter.setPen(QPen(m_theme.colour(Role::Muted), 1, Qt::DashLine));
    painter.drawLine(QPointF(area().left(), y), QPointF(area().right(), y));
    const double width = QFontMetricsF(m_theme.caption()).horizontalAdvance(name) + 8;
    const bool under = below || y - line < area().top();
    const QRectF box(area().right() - width, under ? y + 1 : y - line, width, line);
    QColor ground = m_theme.colour(Role::Panel);
    ground.setAlpha(200);
    painter.fillRect(box, ground);
    painter.setPen(m_theme.colour(Role::Muted));
    painter.drawText(box, Qt::AlignCenter, name);
}

} // namespace moescope::ui

#include "ui/timeline/link_canvas.h"

#include "ui/format.h"

#include <algorithm>
#include <cmath>

namespace moescope::ui {

using Role = Theme::Role;

LinkCanvas::LinkCanvas(QCPAxisRect* rect, const TimelineScene& scene, const Theme& theme)
    : Canvas(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft), QStringLiteral("main"), true), m_scene(scene),
      m_theme(theme) {}

namespace {

std::optional<std::array<double, 3>> rateIn(std::span<const session::SessionReader::LinkBucket> buckets, trace::TimeNs time) {
    for (const auto& bucket : buckets)
        if (time >= bucket.begin && time < bucket.end) {
            const double seconds = static_cast<double>(bucket.end - bucket.begin) / 1e9;
            return std::array{static_cast<double>(bucket.bytes[0]) / seconds, static_cast<double>(bucket.bytes[1]) / seconds,
                              static_cast<double>(bucket.bytes[2]) / seconds};
        }
    return std::nullopt;
}

} // namespace

std::optional<std::array<double, 3>> LinkCanvas::rateAt(trace::TimeNs time) const {
    return m_scene.window ? rateIn(m_scene.window->link, time) : std::nullopt;
}

std::optional<double> LinkCanvas::measuredRateAt(trace::TimeNs time) const {
    const auto rate = m_scene.window ? rateIn(m_scene.window->measured, time) : std::nullopt;
    return rate ? std::optional((*rate)[0]) : std::nullopt;
}

QString LinkCanvas::sourceName(TimelineWindow::LinkSource source) {
    switch (source) {
    case TimelineWindow::LinkSource::Engine:
        break;
    case TimelineWindow::LinkSource::Copies:
        return QObject::tr("GPU copies");
    case TimelineWindow::LinkSource::Counters:
        return QObject::tr("GPU counters");
    }
    return QObject::tr("engine");
}

const LinkCanvas::Buckets& LinkCanvas::shown() const {
    return m_scene.window->measured.empty() ? m_scene.window->link : m_scene.window->measured;
}

double LinkCanvas::top() const {
    double highest = std::max(m_scene.limit.value_or(0), m_scene.fastest.value_or(0));
    for (const auto& bucket : shown())
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
    painter.drawText(QRectF(Theme::kGrid, area().top() + line, TimelineScene::kLeft - 12, line), Qt::AlignLeft,
                     QObject::tr("by %1").arg(sourceName(m_scene.window->measuredBy)));
    painter.drawText(QRectF(0, area().top(), TimelineScene::kLeft - 5, line), Qt::AlignRight, format::number(highest / 1e9, 3));
    painter.drawText(QRectF(0, area().bottom() - line, TimelineScene::kLeft - 5, line), Qt::AlignRight, QStringLiteral("0"));
    painter.drawText(QRectF(Theme::kGrid, area().bottom() + 3, TimelineScene::kLeft - 12, line), Qt::AlignLeft,
                     QObject::tr("time (ms)"));
    painter.setClipRect(area());
    paintArea(painter, highest);
    paintLimits(painter, highest);
    const TimeScale time = scaleOf(*this);
    painter.setPen(QPen(m_theme.colour(Role::SettingMarker), 1.4, Qt::DashLine));
    for (const analysis::SettingChangeRecord& change : m_scene.snapshot->changes)
        if (const double x = time.x(change.at); x >= area().left() && x <= area().right())
            painter.drawLine(QPointF(x, area().top()), QPointF(x, area().bottom()));
}

void LinkCanvas::paintLimits(QCPPainter& painter, double highest) {
    if (m_scene.fastest)
        paintLine(painter, *m_scene.fastest, highest, QObject::tr("measured limit %1").arg(format::bandwidth(*m_scene.fastest)),
                  m_scene.limit.has_value());
    if (m_scene.limit)
        paintLine(painter, *m_scene.limit, highest, QObject::tr("emulated limit %1").arg(format::bandwidth(*m_scene.limit)),
                  false);
    else if (const double mean = m_scene.snapshot->summary.linkBytesPerSecond; mean > 0 && !m_scene.fastest)
        paintLine(painter, mean, highest, QObject::tr("mean while busy %1").arg(format::bandwidth(mean)), true);
}

void LinkCanvas::paintArea(QCPPainter& painter, double highest) {
    const TimeScale time = scaleOf(*this);
    const auto height = [&](double rate) { return area().bottom() - rate / highest * area().height(); };
    QPolygonF outline;
    for (const auto& bucket : shown()) {
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

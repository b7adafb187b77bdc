#include "ui/timeline/timeline_view.h"

#include "profiler/session/lane_items.h"
#include "ui/format.h"
#include "ui/plot/pass_lookup.h"
#include "ui/plot/plot_style.h"
#include "ui/timeline/timeline_model.h"

#include <algorithm>
#include <cmath>

namespace moescope::ui {
namespace {

using session::Lane;
using Role = Theme::Role;

constexpr int kLeft = 92;
constexpr int kRight = 22;
constexpr int kMarkerBand = 20;
constexpr int kLinkHeight = 76;
constexpr double kNarrow = 1.0;     // pixels below which bars are merged
constexpr double kTextFrom = 16;    // pixels a token needs to show its text
constexpr double kLeastGap = 3;     // pixels of a loss, however short
constexpr int kRoundedAtMost = 120; // bars per lane
constexpr int kTicks = 8;

double ms(trace::TimeNs time) {
    return static_cast<double>(time) / 1e6;
}

/// Round ticks with as many decimals as their distance needs.
class TimeTicker final : public QCPAxisTicker {
public:
    TimeTicker() = default;

protected:
    QString getTickLabel(double tick, const QLocale&, QChar, int) override {
        return QString::number(tick, 'f', tickDecimals(m_step));
    }
    double getTickStep(const QCPRange& range) override { return m_step = roundTickStep(range.size(), kTicks); }
    int getSubTickCount(double) override { return 0; }

private:
    double m_step = 1;
};

bool hatchedCopy(std::int32_t key) {
    using session::CopyColour;
    const auto colour = static_cast<CopyColour>(key);
    return colour == CopyColour::Unattributed || colour == CopyColour::Cancelled || colour == CopyColour::PrefetchUndecided;
}

Role copyRole(std::int32_t key) {
    using session::CopyColour;
    switch (static_cast<CopyColour>(key)) {
    case CopyColour::Demand:
        return Role::Demand;
    case CopyColour::PrefetchUsed:
    case CopyColour::PrefetchUndecided:
        return Role::PrefetchUsed;
    case CopyColour::PrefetchWasted:
    case CopyColour::Cancelled:
        return Role::PrefetchWasted;
    case CopyColour::Allocation:
        return Role::Allocation;
    case CopyColour::Unattributed:
        break;
    }
    return Role::Other;
}

Role stageRole(std::int32_t key) {
    switch (static_cast<trace::Stage>(key)) {
    case trace::Stage::Attention:
        return Role::Attention;
    case trace::Stage::Router:
        return Role::Router;
    case trace::Stage::Experts:
        return Role::Experts;
    case trace::Stage::Output:
        return Role::Compute;
    default:
        return Role::Other;
    }
}

TimeScale scaleOf(const Canvas& canvas) {
    const QCPRange range = canvas.keyAxis()->range();
    return {range.lower * 1e6, range.upper * 1e6, canvas.area().left(), canvas.area().right()};
}

} // namespace

LanesCanvas::LanesCanvas(QCPAxisRect* rect, const TimelineScene& scene, const Theme& theme)
    : Canvas(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft), QStringLiteral("main"), true), m_scene(scene),
      m_theme(theme) {}

TimeScale LanesCanvas::scale() const {
    return scaleOf(*this);
}

QColor LanesCanvas::colour(Lane lane, std::int32_t key) const {
    switch (lane) {
    case Lane::Tokens:
        return m_theme.colour(Role::Inset);
    case Lane::Layers:
        return m_theme.layer(key, m_scene.snapshot ? m_scene.snapshot->layers : 1);
    case Lane::Stages:
        return m_theme.colour(stageRole(key));
    case Lane::Stalls:
        return m_theme.colour(Role::Stall);
    case Lane::CopyDemand:
    case Lane::CopyPrefetch:
    case Lane::CopyOther:
        return m_theme.colour(copyRole(key));
    case Lane::ToDevice:
    case Lane::OtherDeviceCopies:
        return m_theme.colour(key == 0 ? Role::Demand : Role::Other);
    case Lane::Kernels:
        return m_theme.colour(Role::Compute);
    }
    return m_theme.colour(Role::Other);
}

void LanesCanvas::paint(QCPPainter& painter) {
    if (!m_scene.window || !m_scene.snapshot)
        return;
    const LaneStack rows = stack();
    paintFrame(painter, rows);
    painter.setClipRect(area().adjusted(0, -kMarkerBand, 0, 0));
    for (std::size_t i = 0; i < m_scene.lanes.size(); ++i)
        for (const TimelineWindow::LaneBars& lane : m_scene.window->lanes) {
            if (lane.lane != m_scene.lanes[i])
                continue;
            if (lane.lane == Lane::Tokens)
                paintTokens(painter, rows.bars(i), lane.bars);
            else
                paintLane(painter, rows.bars(i), lane);
        }
    paintGaps(painter);
    paintUndelivered(painter);
    paintMarkers(painter);
}

void LanesCanvas::paintFrame(QCPPainter& painter, const LaneStack& rows) {
    painter.setFont(m_theme.caption());
    for (std::size_t i = 0; i < rows.lanes().size(); ++i) {
        const QRectF row = rows.row(i);
        painter.setPen(m_theme.colour(Role::Muted));
        painter.drawText(QRectF(Theme::kGrid, row.top(), kLeft - 2 * Theme::kGrid, row.height()),
                         Qt::AlignLeft | Qt::AlignVCenter, laneName(rows.lanes()[i]));
        painter.setPen(QPen(m_theme.colour(Role::Line), 0));
        painter.drawLine(QPointF(row.left(), row.bottom() - 0.5), QPointF(row.right(), row.bottom() - 0.5));
    }
}

void LanesCanvas::paintTokens(QCPPainter& painter, const QRectF& row, const std::vector<session::LaneBar>& bars) {
    for (const DrawnBar& drawn : drawnBars(bars, scale(), 2)) {
        QRectF box(drawn.left, row.top(), std::max(1.0, drawn.right - drawn.left - 1), row.height());
        box = box.intersected(area());
        painter.fillRect(box, m_theme.colour(Role::Inset));
        if (drawn.count == 1)
            paintTokenLabel(painter, box, bars[drawn.first]);
    }
}

void LanesCanvas::paintTokenLabel(QCPPainter& painter, const QRectF& box, const session::LaneBar& bar) {
    const analysis::Snapshot& snapshot = *m_scene.snapshot;
    const int index = passAt(snapshot, bar.begin);
    if (index < 0)
        return;
    const analysis::PassRecord& pass = snapshot.passes[static_cast<std::size_t>(index)];
    if (pass.begin != bar.begin)
        return;
    const trace::TimeNs length = std::max<trace::TimeNs>(1, pass.end - pass.begin);
    const double stalled = std::clamp(static_cast<double>(pass.stallNs) / static_cast<double>(length), 0.0, 1.0);
    if (stalled > 0)
        painter.fillRect(QRectF(box.left(), box.bottom() - 3, box.width() * stalled, 3), m_theme.colour(Role::Stall));
    if (box.width() < kTextFrom || box.height() < QFontMetricsF(m_theme.figures()).ascent())
        return;
    painter.setFont(m_theme.figures());
    painter.setPen(m_theme.colour(Role::Ink));
    const QString text =
        QFontMetricsF(m_theme.figures()).elidedText(passText(snapshot, pass).trimmed(), Qt::ElideRight, box.width() - 8);
    painter.drawText(box.adjusted(4, -1, -4, -2), Qt::AlignLeft | Qt::AlignVCenter, text);
}

void LanesCanvas::paintLane(QCPPainter& painter, const QRectF& row, const TimelineWindow::LaneBars& lane) {
    const std::vector<DrawnBar> bars = drawnBars(lane.bars, scale(), kNarrow);
    const bool rounded = bars.size() <= kRoundedAtMost;
    const bool copies = lane.lane == Lane::CopyDemand || lane.lane == Lane::CopyPrefetch || lane.lane == Lane::CopyOther;
    const QBrush hatch = hatched(m_theme.colour(Role::Panel));
    painter.setPen(Qt::NoPen);
    for (const DrawnBar& bar : bars) {
        QColor fill = colour(lane.lane, bar.colourKey);
        fill.setAlphaF(static_cast<float>(0.25 + 0.75 * bar.coverage));
        const QRectF box = QRectF(bar.left, row.top(), bar.right - bar.left - (bar.right - bar.left > 3 ? 1 : 0), row.height())
                               .intersected(area());
        if (rounded && box.width() > 5) {
            painter.setAntialiasing(true);
            painter.setBrush(fill);
            painter.drawRoundedRect(box, 2, 2);
            painter.setAntialiasing(false);
        } else {
            painter.fillRect(box, fill);
        }
        if (copies && hatchedCopy(bar.colourKey))
            painter.fillRect(box, hatch);
        if (lane.lane == Lane::Kernels && bar.count == 1)
            paintKernelName(painter, box, bar.colourKey);
    }
}

void LanesCanvas::paintKernelName(QCPPainter& painter, const QRectF& box, std::int32_t kernel) {
    const auto& names = m_scene.snapshot->device.kernelNames;
    if (box.width() < kTextFrom || kernel < 0 || static_cast<std::size_t>(kernel) >= names.size())
        return;
    painter.setFont(m_theme.caption());
    painter.setPen(m_theme.colour(Role::Ink));
    const QString name = QString::fromStdString(names[static_cast<std::size_t>(kernel)]);
    painter.drawText(box, Qt::AlignLeft | Qt::AlignVCenter,
                     QFontMetricsF(m_theme.caption()).elidedText(name, Qt::ElideRight, box.width() - 4));
    painter.setPen(Qt::NoPen);
}

void LanesCanvas::paintUndelivered(QCPPainter& painter) {
    const trace::TimeNs known = std::min(m_scene.snapshot->sessionEnd, m_scene.window->end);
    const double from = std::max(area().left(), scale().x(known));
    if (!m_scene.live || from >= area().right() - 1)
        return;
    const QRectF box(from, area().top(), area().right() - from, area().height());
    painter.fillRect(box, hatched(m_theme.colour(Role::Line)));
    painter.setFont(m_theme.caption());
    const QString words = QObject::tr("not yet delivered");
    if (QFontMetricsF(m_theme.caption()).horizontalAdvance(words) + 12 > box.width())
        return;
    painter.setPen(m_theme.colour(Role::Muted));
    painter.drawText(box.adjusted(6, 2, -6, -2), Qt::AlignRight | Qt::AlignBottom, words);
}

void LanesCanvas::paintGaps(QCPPainter& painter) {
    const QFontMetricsF metrics(m_theme.caption());
    painter.setFont(m_theme.caption());
    for (const analysis::GapRecord& gap : m_scene.snapshot->gaps) {
        const double left = scale().x(gap.begin);
        const QRectF whole(left, area().top(), std::max(kLeastGap, scale().x(gap.end) - left), area().height());
        const QRectF box = whole.intersected(area());
        if (box.isEmpty())
            continue;
        painter.fillRect(box, m_theme.colour(Role::Panel));
        painter.fillRect(box, hatched(m_theme.colour(Role::Other)));
        const QString words = QObject::tr("%1 events lost").arg(gap.events);
        if (metrics.horizontalAdvance(words) + 12 > box.width())
            continue;
        painter.setPen(m_theme.colour(Role::Ink));
        painter.drawText(box, Qt::AlignCenter, words);
    }
}

void LanesCanvas::paintMarkers(QCPPainter& painter) {
    const TimeScale time = scale();
    const QFontMetricsF metrics(m_theme.caption());
    double freeFrom = area().left();
    painter.setFont(m_theme.caption());
    struct Marker {
        trace::TimeNs at;
        QColor ink;
        Qt::PenStyle style;
        QString words;
    };
    std::vector<Marker> markers;
    for (const analysis::SettingChangeRecord& change : m_scene.snapshot->changes)
        markers.push_back({change.at, m_theme.colour(Role::SettingMarker), Qt::DashLine,
                           QObject::tr("%1 %2 → %3")
                               .arg(QString::fromStdString(change.name), QString::fromStdString(change.before),
                                    QString::fromStdString(change.after))});
    for (const analysis::NoteRecord& note : m_scene.snapshot->notes)
        markers.push_back({note.at, m_theme.colour(note.failure ? Role::Warning : Role::Muted), Qt::DotLine,
                           QStringLiteral("⚑ ") + metrics.elidedText(QString::fromStdString(note.text), Qt::ElideRight, 220)});
    std::stable_sort(markers.begin(), markers.end(), [](const Marker& a, const Marker& b) { return a.at < b.at; });
    for (const Marker& marker : markers) {
        const double x = time.x(marker.at);
        if (x < area().left() - 1 || x > area().right())
            continue;
        painter.setPen(QPen(marker.ink, 1.4, marker.style));
        painter.drawLine(QPointF(x, area().top() - 3), QPointF(x, area().bottom()));
        const double width = metrics.horizontalAdvance(marker.words);
        const double left = std::min(x + 4, area().right() - width);
        if (left < freeFrom)
            continue;
        painter.drawText(QRectF(left, area().top() - kMarkerBand, width + 4, kMarkerBand - 2), Qt::AlignLeft | Qt::AlignVCenter,
                         marker.words);
        freeFrom = left + width + 8;
    }
}

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
    painter.drawText(QRectF(Theme::kGrid, area().top(), kLeft - 12, line), Qt::AlignLeft, QObject::tr("link (GB/s)"));
    painter.drawText(QRectF(0, area().top(), kLeft - 5, line), Qt::AlignRight, format::number(highest / 1e9, 3));
    painter.drawText(QRectF(0, area().bottom() - line, kLeft - 5, line), Qt::AlignRight, QStringLiteral("0"));
    painter.drawText(QRectF(Theme::kGrid, area().bottom() + 3, kLeft - 12, line), Qt::AlignLeft, QObject::tr("time (ms)"));
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

FocusCanvas::FocusCanvas(QCPAxisRect* rect, const TimelineScene& scene, const Theme& theme)
    : Canvas(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft), QStringLiteral("overlay")), m_scene(scene),
      m_theme(theme) {}

void FocusCanvas::band(QCPPainter& painter, const TimeSpan& span, const QColor& colour, int alpha, bool edges) {
    const TimeScale time = scaleOf(*this);
    const double left = std::max(area().left() - 4, time.x(span.begin));
    const double right = std::min(area().right() + 4, time.x(span.end));
    if (right < left)
        return;
    QColor fill = colour;
    fill.setAlpha(alpha);
    painter.fillRect(QRectF(left, area().top(), right - left, area().height()), fill);
    if (!edges)
        return;
    painter.setPen(QPen(colour, 1.4));
    painter.drawLine(QPointF(left, area().top()), QPointF(left, area().bottom()));
    painter.drawLine(QPointF(right, area().top()), QPointF(right, area().bottom()));
}

void FocusCanvas::paint(QCPPainter& painter) {
    if (!m_scene.snapshot)
        return;
    const QColor accent = m_theme.colour(Role::Accent);
    if (m_scene.range)
        band(painter, *m_scene.range, accent, 55, true);
    if (m_scene.chosen)
        band(painter, *m_scene.chosen, accent, 40, true);
    if (m_scene.hovered)
        band(painter, *m_scene.hovered, m_theme.colour(Role::Ink), 18, false);
    if (!m_scene.snapshot->atEnd || !m_scene.live) {
        const double x = scaleOf(*this).x(m_scene.snapshot->now);
        painter.setPen(QPen(m_theme.colour(Role::Ink), 1.2));
        painter.drawLine(QPointF(x, area().top()), QPointF(x, area().bottom()));
    }
}

TimelineView::TimelineView(QCustomPlot& plot, const Theme& theme) {
    plot.plotLayout()->clear();
    plot.plotLayout()->setRowSpacing(0);
    const auto strip = [&](int row) {
        auto* rect = new QCPAxisRect(&plot, false);
        rect->addAxes(QCPAxis::atBottom | QCPAxis::atLeft);
        rect->setAutoMargins(QCP::msNone);
        for (QCPAxis* axis : rect->axes()) {
            bareAxis(*axis);
            axis->setTickLabels(false);
        }
        plot.plotLayout()->addElement(row, 0, rect);
        return rect;
    };
    QCPAxisRect* lanes = strip(0);
    lanes->setMargins(QMargins(kLeft, kMarkerBand, kRight, 4));
    QCPAxisRect* link = strip(1);
    link->setMargins(QMargins(kLeft, 5, kRight, 18));
    link->setMinimumSize(20, kLinkHeight);
    link->setMaximumSize(QWIDGETSIZE_MAX, kLinkHeight);
    m_lanes = new LanesCanvas(lanes, m_scene, theme);
    m_link = new LinkCanvas(link, m_scene, theme);
    new FocusCanvas(lanes, m_scene, theme);
    new FocusCanvas(link, m_scene, theme);
    QCPAxis& axis = timeAxis();
    axis.setTickLabels(true);
    axis.setTickPen(QPen());
    axis.setTickLength(0, 3);
    axis.setTickLabelPadding(2);
    axis.setTicker(QSharedPointer<QCPAxisTicker>(new TimeTicker));
    QObject::connect(&axis, qOverload<const QCPRange&>(&QCPAxis::rangeChanged), m_lanes->keyAxis(),
                     qOverload<const QCPRange&>(&QCPAxis::setRange));
}

TimeSpan TimelineView::view() const {
    const QCPRange range = timeAxis().range();
    return {static_cast<trace::TimeNs>(range.lower * 1e6), static_cast<trace::TimeNs>(range.upper * 1e6)};
}

void TimelineView::setView(const TimeSpan& view) {
    timeAxis().setRange(ms(view.begin), ms(view.end));
}

} // namespace moescope::ui

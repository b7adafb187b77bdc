#include "ui/timeline/timeline_view.h"

#include "profiler/session/lane_items.h"
#include "ui/format.h"
#include "ui/plot/pass_lookup.h"
#include "ui/plot/plot_style.h"

#include <algorithm>
#include <cmath>

namespace moescope::ui {
namespace {

using session::Lane;
using Role = Theme::Role;

constexpr int kMarkerBand = 20;
constexpr int kLinkHeight = 76;
constexpr double kNarrow = 1.0;     // pixels below which bars are merged
constexpr double kTextFrom = 16;    // pixels a token needs to show its text
constexpr double kLeastGap = 3;     // pixels of a loss, however short
constexpr int kRoundedAtMost = 120; // bars per lane
constexpr int kTicks = 8;
constexpr double kMarkerWords = 260; // pixels that a marker's words may take
constexpr double kSwatch = 8;
const QString kFlag = QStringLiteral("⚑");

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

/// What was fetched in vain is half as high: never colour alone.
QRectF shaped(QRectF box, std::int32_t key) {
    if (static_cast<session::CopyColour>(key) == session::CopyColour::PrefetchWasted)
        box.setTop(box.center().y());
    return box;
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
    case Lane::InPlace:
    case Lane::Multiprocessors:
    case Lane::TensorPipes:
        return m_theme.colour(Role::Compute);
    case Lane::LinkIn:
    case Lane::LinkOut:
    case Lane::MemoryBusy:
        return m_theme.colour(Role::Allocation);
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
        paintLaneName(painter, row, rows.lanes()[i]);
        painter.setPen(QPen(m_theme.colour(Role::Line), 0));
        painter.drawLine(QPointF(row.left(), row.bottom() - 0.5), QPointF(row.right(), row.bottom() - 0.5));
    }
}

void LanesCanvas::paintLaneName(QCPPainter& painter, const QRectF& row, Lane lane) {
    const double line = QFontMetricsF(m_theme.caption()).height();
    QRectF name(Theme::kGrid, row.top(), TimelineScene::kLeft - 2 * Theme::kGrid, row.height());
    painter.setPen(m_theme.colour(Role::Muted));
    // The two fates of a prefetch are told apart by colour and by height; their names stand where there is room.
    if (lane != Lane::CopyPrefetch || row.height() < 2 * line) {
        painter.drawText(name, Qt::AlignLeft | Qt::AlignVCenter, laneName(lane));
        return;
    }
    name.setTop(row.center().y() - line);
    painter.drawText(name, Qt::AlignLeft | Qt::AlignTop, laneName(lane));
    double left = name.left();
    for (const auto fate : {session::CopyColour::PrefetchUsed, session::CopyColour::PrefetchWasted}) {
        const auto key = static_cast<std::int32_t>(fate);
        const QRectF swatch(left, row.center().y() + (line - kSwatch) / 2, kSwatch, kSwatch);
        painter.fillRect(shaped(swatch, key), colour(lane, key));
        const QString words = fate == session::CopyColour::PrefetchUsed ? QObject::tr("used") : QObject::tr("wasted");
        painter.drawText(QPointF(swatch.right() + 3, row.center().y() + QFontMetricsF(m_theme.caption()).ascent()), words);
        left = swatch.right() + 7 + QFontMetricsF(m_theme.caption()).horizontalAdvance(words);
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
        const QRectF whole(bar.left, row.top(), bar.right - bar.left - (bar.right - bar.left > 3 ? 1 : 0), row.height());
        const QRectF box = (copies ? shaped(whole, bar.colourKey) : whole).intersected(area());
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

QColor LanesCanvas::markerInk(TimelineMarker::Kind kind) const {
    switch (kind) {
    case TimelineMarker::Kind::Setting:
        return m_theme.colour(Role::SettingMarker);
    case TimelineMarker::Kind::Failure:
        return m_theme.colour(Role::Warning);
    case TimelineMarker::Kind::Note:
        break;
    }
    return m_theme.colour(Role::Muted);
}

std::vector<LanesCanvas::Flag> LanesCanvas::flags() const {
    const QFontMetricsF metrics(m_theme.caption());
    const double signWidth = metrics.horizontalAdvance(kFlag);
    const double top = area().top() - kMarkerBand;
    double freeFrom = area().left();
    std::vector<Flag> flags;
    for (std::size_t i = 0; i < m_scene.markers.size(); ++i) {
        const TimelineMarker& marker = m_scene.markers[i];
        const double x = scale().x(marker.at);
        if (x < area().left() - 1 || x > area().right())
            continue;
        const QString sign = marker.kind == TimelineMarker::Kind::Setting ? QString() : kFlag + QLatin1Char(' ');
        Flag flag{i, x, sign + metrics.elidedText(marker.words, Qt::ElideRight, kMarkerWords), {}};
        double width = metrics.horizontalAdvance(flag.words);
        double left = std::min(x + 4, area().right() - width);
        if (left < freeFrom) { // no room for words: the flag alone, its words on hovering
            flag.words.clear();
            width = signWidth;
            left = x - width / 2;
        } else {
            freeFrom = left + width + 8;
        }
        flag.box = QRectF(left, top, width + 4, kMarkerBand - 2);
        flags.push_back(flag);
    }
    return flags;
}

const TimelineMarker* LanesCanvas::markerAt(const QPointF& at) const {
    if (at.y() > area().top() + 1 || at.y() < area().top() - kMarkerBand)
        return nullptr;
    const TimelineMarker* found = nullptr;
    for (const Flag& flag : flags())
        if (flag.box.adjusted(-3, 0, 3, 2).contains(at) || std::abs(flag.x - at.x()) <= 4)
            found = &m_scene.markers[flag.marker];
    return found;
}

void LanesCanvas::paintMarkers(QCPPainter& painter) {
    painter.setFont(m_theme.caption());
    for (const Flag& flag : flags()) {
        const TimelineMarker& marker = m_scene.markers[flag.marker];
        const bool setting = marker.kind == TimelineMarker::Kind::Setting;
        painter.setPen(QPen(markerInk(marker.kind), 1.4, setting ? Qt::DashLine : Qt::DotLine));
        painter.drawLine(QPointF(flag.x, area().top() - 3), QPointF(flag.x, area().bottom()));
        if (!flag.words.isEmpty())
            painter.drawText(flag.box, Qt::AlignLeft | Qt::AlignVCenter, flag.words);
    }
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
    lanes->setMargins(QMargins(TimelineScene::kLeft, kMarkerBand, TimelineScene::kRight, 4));
    QCPAxisRect* link = strip(1);
    link->setMargins(QMargins(TimelineScene::kLeft, 5, TimelineScene::kRight, 18));
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

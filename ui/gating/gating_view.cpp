#include "ui/gating/gating_view.h"

#include "ui/plot/cell_geometry.h"
#include "ui/plot/plot_style.h"

#include <algorithm>
#include <cmath>

namespace moescope::ui {
namespace {

using Role = Theme::Role;
constexpr int kLeft = 14;
constexpr int kRight = 12;
constexpr int kLayersHeight = 80;
constexpr int kBothFrom = 150;
constexpr double kGrab = 7;

QCPAxisRect* strip(QCustomPlot& plot, int row, const QMargins& margins) {
    auto* rect = new QCPAxisRect(&plot, false);
    rect->addAxes(QCPAxis::atBottom | QCPAxis::atLeft);
    rect->setAutoMargins(QCP::msNone);
    rect->setMargins(margins);
    for (QCPAxis* axis : rect->axes()) {
        bareAxis(*axis);
        axis->setTickLabels(false);
    }
    plot.plotLayout()->addElement(row, 0, rect);
    return rect;
}

} // namespace

ShareHistogram::ShareHistogram(QCPAxisRect* rect, const Theme& theme)
    : Canvas(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft), QStringLiteral("main")), m_theme(theme) {}

int ShareHistogram::binAt(double x) const {
    const auto bins = static_cast<double>(m_histogram.kept.size());
    const int bin = static_cast<int>(std::floor(keyAxis()->pixelToCoord(x) / m_histogram.upper * bins));
    return x < area().left() || x > area().right() || bin < 0 || bin >= static_cast<int>(bins) ? -1 : bin;
}

void ShareHistogram::paint(QCPPainter& painter) {
    int highest = 1;
    for (std::size_t bin = 0; bin < m_histogram.kept.size(); ++bin)
        highest = std::max(highest, m_histogram.kept[bin] + m_histogram.dropped[bin]);
    const double width = m_histogram.upper / static_cast<double>(std::max<std::size_t>(1, m_histogram.kept.size()));
    for (std::size_t bin = 0; bin < m_histogram.kept.size(); ++bin) {
        const double left = keyAxis()->coordToPixel(static_cast<double>(bin) * width);
        const double right = keyAxis()->coordToPixel(static_cast<double>(bin + 1) * width);
        double y = area().bottom();
        const auto part = [&](int count, Role role) {
            const double tall = area().height() * 0.96 * count / highest;
            painter.fillRect(QRectF(left, y - tall, std::max(1.0, right - left - 1), tall), m_theme.colour(role));
            y -= tall;
        };
        part(m_histogram.dropped[bin], Role::PrefetchWasted);
        part(m_histogram.kept[bin], Role::ResidentHigh);
    }
    painter.setPen(QPen(m_theme.colour(Role::Line), 0));
    painter.drawLine(area().bottomLeft(), area().bottomRight());
}

ThresholdLine::ThresholdLine(QCPAxisRect* rect, const Theme& theme)
    : Canvas(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft), QStringLiteral("overlay"), true), m_theme(theme) {}

bool ThresholdLine::hit(const QPointF& at) const {
    return m_state.share >= 0 && std::abs(keyAxis()->coordToPixel(m_state.share) - at.x()) <= kGrab &&
           at.y() <= area().bottom() + 4;
}

void ThresholdLine::paint(QCPPainter& painter) {
    if (m_state.share < 0)
        return;
    const QRectF box = area();
    const QColor ink = m_theme.colour(m_state.active ? Role::Ink : Role::Muted);
    for (const double share : m_state.layerShares) {
        const double x = keyAxis()->coordToPixel(share);
        if (x >= box.left() && x <= box.right())
            painter.fillRect(QRectF(x - 0.5, box.bottom() - 7, 1.5, 7), ink);
    }
    const double x = std::clamp(keyAxis()->coordToPixel(m_state.share), box.left(), box.right());
    painter.setAntialiasing(true);
    painter.setPen(QPen(ink, 2, m_state.pending ? Qt::DashLine : Qt::SolidLine));
    painter.drawLine(QPointF(x, box.top() - 2), QPointF(x, box.bottom()));
    painter.setPen(Qt::NoPen);
    painter.setBrush(ink);
    painter.drawEllipse(QPointF(x, box.top() - 2), 4, 4);
    painter.setFont(m_theme.caption());
    const QFontMetricsF metrics(m_theme.caption());
    const double width = metrics.horizontalAdvance(m_state.words) + 8;
    const double left = x + 7 + width > box.right() ? x - 7 - width : x + 7;
    const QRectF label(std::max(box.left(), left), box.top() - metrics.height() / 2 - 3, width, metrics.height());
    QColor ground = m_theme.colour(Role::Panel);
    ground.setAlpha(210);
    painter.fillRect(label, ground);
    painter.setPen(ink);
    painter.drawText(label, Qt::AlignCenter, m_state.words);
}

LayerShares::LayerShares(QCPAxisRect* rect, const GatingModel& model, const Theme& theme)
    : Canvas(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft), QStringLiteral("main"), true), m_model(model),
      m_theme(theme) {}

int LayerShares::layerAt(const QPointF& at) const {
    const int count = m_model.rowCount();
    if (count == 0 || !visible() || !area().adjusted(0, -14, 0, 16).contains(at))
        return -1;
    return std::min(count - 1, static_cast<int>((at.x() - area().left()) / area().width() * count));
}

void LayerShares::paint(QCPPainter& painter) {
    const auto& shares = m_model.shares();
    if (shares.empty())
        return;
    const QRectF box = area();
    const auto count = static_cast<double>(shares.size());
    const double slot = box.width() / count;
    const QFontMetricsF metrics(m_theme.caption());
    const int step = labelStep(slot, metrics.horizontalAdvance(QStringLiteral("1.00")) + 3);
    painter.setFont(m_theme.caption());
    for (std::size_t layer = 0; layer < shares.size(); ++layer) {
        const bool all = layer + 1 == shares.size();
        const double left = box.left() + slot * static_cast<double>(layer);
        const QRectF track(left + 1, box.top(), std::max(1.0, slot - 2), box.height());
        painter.fillRect(track, m_theme.colour(Role::Inset));
        const double tall = box.height() * shares[layer].singleShare;
        painter.fillRect(QRectF(track.left(), track.bottom() - tall, track.width(), tall),
                         m_theme.colour(Role::PrefetchWasted));
        if (static_cast<int>(layer) == m_chosen) {
            painter.setPen(QPen(m_theme.colour(Role::Accent), 1.6));
            painter.setBrush(Qt::NoBrush);
            painter.drawRect(track);
        }
        if (!all && static_cast<int>(layer) % step != 0)
            continue;
        painter.setPen(m_theme.colour(Role::Muted));
        painter.drawText(QRectF(left - 6, box.bottom() + 1, slot + 12, metrics.height()), Qt::AlignCenter,
                         all ? QObject::tr("all") : QString::number(layer));
        painter.setPen(m_theme.colour(Role::Ink));
        painter.drawText(QRectF(left - 6, box.top() + 1, slot + 12, metrics.height()), Qt::AlignCenter,
                         QString::number(shares[layer].meanExperts, 'f', 2));
    }
}

GatingView::GatingView(QCustomPlot& plot, const GatingModel& model, const Theme& theme) : m_theme(theme) {
    plot.plotLayout()->clear();
    plot.plotLayout()->setRowSpacing(0);
    m_legend = new LegendRow(plot, theme, Qt::AlignRight, 20);
    m_legend->setMargins(QMargins(84, 0, 34, 0));
    plot.plotLayout()->addElement(0, 0, m_legend);
    QCPAxisRect* upper = strip(plot, 1, QMargins(kLeft, 16, kRight, 30));
    m_histogram = new ShareHistogram(upper, theme);
    m_threshold = new ThresholdLine(upper, theme);
    QCPAxis& axis = shareAxis();
    axis.setTickLabels(true);
    axis.setTickLabelPadding(2);
    axis.setLabelPadding(0);
    axis.setLabel(QObject::tr("weight share beyond the first expert"));
    axis.ticker()->setTickCount(5);
    m_lower = strip(plot, 2, QMargins(kLeft, 3, kRight, 15));
    m_layers = new LayerShares(m_lower, model, theme);
    fit(plot.height());
    restyle();
}

void GatingView::fit(int height) {
    const int wanted = height < kBothFrom ? 0 : std::min(kLayersHeight, height * 3 / 8);
    m_lower->setVisible(wanted > 0);
    m_lower->setMargins(wanted > 0 ? QMargins(kLeft, 3, kRight, 15) : QMargins());
    m_lower->setMinimumSize(20, wanted);
    m_lower->setMaximumSize(QWIDGETSIZE_MAX, wanted);
    m_layers->setVisible(wanted > 0);
}

void GatingView::showLegend(bool on) {
    m_legend->setVisible(on);
}

void GatingView::restyle() {
    m_legend->setEntries({{QObject::tr("ran"), m_theme.colour(Role::ResidentHigh), Swatch::Box},
                          {QObject::tr("dropped"), m_theme.colour(Role::PrefetchWasted), Swatch::Box}});
}

} // namespace moescope::ui

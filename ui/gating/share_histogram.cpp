#include "ui/gating/share_histogram.h"

#include <algorithm>
#include <cmath>

namespace moescope::ui {

using Role = Theme::Role;

namespace {
constexpr double kGrab = 7;
constexpr double kSwatch = 8;
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
    const double room = area().height() - QFontMetricsF(m_theme.caption()).height() - 2; // the legend's line stays free
    for (std::size_t bin = 0; bin < m_histogram.kept.size(); ++bin) {
        const double left = keyAxis()->coordToPixel(static_cast<double>(bin) * width);
        const double right = keyAxis()->coordToPixel(static_cast<double>(bin + 1) * width);
        double y = area().bottom();
        const auto part = [&](int count, Role role) {
            const double tall = room * count / highest;
            painter.fillRect(QRectF(left, y - tall, std::max(1.0, right - left - 1), tall), m_theme.colour(role));
            y -= tall;
        };
        part(m_histogram.dropped[bin], Role::PrefetchWasted);
        part(m_histogram.kept[bin], Role::ResidentHigh);
    }
    painter.setPen(QPen(m_theme.colour(Role::Line), 0));
    painter.drawLine(area().bottomLeft(), area().bottomRight());
    paintLegend(painter);
}

void ShareHistogram::paintLegend(QCPPainter& painter) {
    const QFontMetricsF metrics(m_theme.caption());
    painter.setFont(m_theme.caption());
    const auto entry = [&](double left, const QString& words, Role role) {
        const QRectF swatch(left, area().top() + (metrics.height() - kSwatch) / 2, kSwatch, kSwatch);
        painter.fillRect(swatch, m_theme.colour(role));
        painter.setPen(m_theme.colour(Role::Muted));
        painter.drawText(QRectF(swatch.right() + 4, area().top(), metrics.horizontalAdvance(words) + 2, metrics.height()),
                         Qt::AlignLeft | Qt::AlignVCenter, words);
    };
    const QString ran = QObject::tr("ran");
    entry(area().left(), QObject::tr("dropped"), Role::PrefetchWasted);
    entry(area().right() - metrics.horizontalAdvance(ran) - kSwatch - 6, ran, Role::ResidentHigh);
}

ThresholdLine::ThresholdLine(QCPAxisRect* rect, const Theme& theme)
    : Canvas(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft), QStringLiteral("overlay"), true), m_theme(theme) {}

bool ThresholdLine::hit(const QPointF& at) const {
    return m_state.share >= 0 && std::abs(keyAxis()->coordToPixel(m_state.share) - at.x()) <= kGrab &&
           at.y() <= area().bottom() + 4;
}

void ThresholdLine::paint(QCPPainter& painter) {
    paintGuidance(painter);
    if (m_state.share >= 0)
        paintLine(painter);
    else if (!m_state.words.isEmpty())
        paintWords(painter, {area().left() - 7, area().top()}, m_state.words, m_theme.colour(Role::Muted));
}

void ThresholdLine::paintGuidance(QCPPainter& painter) {
    if (m_state.guidance.empty())
        return;
    const QRectF box = area();
    const QFontMetricsF metrics(m_theme.caption());
    painter.setFont(m_theme.caption());
    const double line = box.top() + metrics.height() + 3;
    QColor ground = m_theme.colour(Role::Panel);
    ground.setAlpha(190);
    double from = 0;
    for (const Band& band : m_state.guidance) {
        const double left = std::clamp(keyAxis()->coordToPixel(from), box.left(), box.right());
        const double right = std::clamp(keyAxis()->coordToPixel(band.upTo), box.left(), box.right());
        from = band.upTo;
        if (right < box.right() - 1) {
            painter.setPen(QPen(m_theme.colour(Role::ResidentLow), 1.4, Qt::DashDotLine));
            painter.drawLine(QPointF(right, box.top() + metrics.height()), QPointF(right, box.bottom()));
        }
        const QString words = metrics.elidedText(band.words, Qt::ElideRight, right - left - 2);
        const double width = metrics.horizontalAdvance(words) + 4;
        const QRectF label((left + right - width) / 2, line, width, metrics.height());
        painter.fillRect(label, ground);
        painter.setPen(m_theme.colour(Role::Ink));
        painter.drawText(label, Qt::AlignCenter, words);
    }
    const QString name = metrics.elidedText(m_state.guidanceName, Qt::ElideRight, box.width() - 8);
    const double width = metrics.horizontalAdvance(name) + 6;
    const QRectF label(box.right() - width, line + metrics.height(), width, metrics.height());
    painter.fillRect(label, ground);
    painter.setPen(m_theme.colour(Role::Muted));
    painter.drawText(label, Qt::AlignCenter, name);
}

void ThresholdLine::paintLine(QCPPainter& painter) {
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
    paintWords(painter, {x, box.top()}, m_state.words, ink);
}

void ThresholdLine::paintWords(QCPPainter& painter, const QPointF& from, const QString& words, const QColor& ink) {
    const QRectF box = area();
    const QFontMetricsF metrics(m_theme.caption());
    painter.setFont(m_theme.caption());
    const QString shown = metrics.elidedText(words, Qt::ElideRight, box.width());
    const double width = metrics.horizontalAdvance(shown) + 8;
    const double left = from.x() + 7 + width > box.right() + 4 ? from.x() - 7 - width : from.x() + 7;
    const QRectF label(std::clamp(left, box.left() - 4, std::max(box.left() - 4, box.right() + 4 - width)),
                       from.y() - metrics.height() - 1, width, metrics.height());
    QColor ground = m_theme.colour(Role::Panel);
    ground.setAlpha(210);
    painter.fillRect(label, ground);
    painter.setPen(ink);
    painter.drawText(label, Qt::AlignCenter, shown);
}

} // namespace moescope::ui

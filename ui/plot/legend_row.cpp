#include "ui/plot/legend_row.h"

#include "ui/plot/canvas.h"

namespace moescope::ui {
namespace {
constexpr double kSwatch = 9;
constexpr double kSwatchGap = 5;
constexpr double kEntryGap = 14;

void paintSwatch(QCPPainter& painter, const QRectF& box, const LegendEntry& entry, const QColor& ground, const QColor& line) {
    painter.setAntialiasing(false);
    const double middle = box.center().y();
    switch (entry.swatch) {
    case Swatch::Line:
    case Swatch::Dashed:
        painter.setPen(QPen(entry.colour, 2, entry.swatch == Swatch::Line ? Qt::SolidLine : Qt::DashLine));
        painter.drawLine(QPointF(box.left(), middle), QPointF(box.right(), middle));
        return;
    case Swatch::Frame:
        painter.setPen(QPen(entry.colour, 1.6));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5));
        return;
    case Swatch::Box:
    case Swatch::Hatched:
    case Swatch::Dotted:
        painter.fillRect(box, entry.colour);
        if (entry.swatch == Swatch::Hatched)
            painter.fillRect(box, hatched(ground));
        if (entry.swatch == Swatch::Dotted)
            painter.fillRect(box, QBrush(ground, Qt::Dense6Pattern));
        painter.setPen(QPen(line, 0));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(box);
    }
}
} // namespace

LegendRow::LegendRow(QCustomPlot& plot, const Theme& theme, Qt::Alignment alignment, int height)
    : QCPLayoutElement(&plot), m_theme(theme), m_alignment(alignment) {
    setMinimumSize(10, height);
    setMaximumSize(QWIDGETSIZE_MAX, height);
    setMargins(QMargins());
}

void LegendRow::draw(QCPPainter* painter) {
    const QFontMetricsF metrics(m_theme.caption());
    const auto width = [&](const LegendEntry& entry) { return kSwatch + kSwatchGap + metrics.horizontalAdvance(entry.text); };
    // Nothing stands to the right of a legend that begins at the left.
    const double room = m_alignment.testFlag(Qt::AlignLeft) ? mParentPlot->width() - rect().left() : rect().width();
    double total = 0;
    std::size_t count = 0;
    for (; count < m_entries.size(); ++count) {
        const double next = total + (count > 0 ? kEntryGap : 0) + width(m_entries[count]);
        if (next > room)
            break;
        total = next;
    }
    painter->save();
    painter->setFont(m_theme.caption());
    double x = rect().left();
    if (m_alignment.testFlag(Qt::AlignRight))
        x = rect().right() - total;
    else if (m_alignment.testFlag(Qt::AlignHCenter))
        x = rect().center().x() - total / 2;
    const double middle = rect().top() + rect().height() / 2.0;
    for (std::size_t i = 0; i < count; ++i) {
        const LegendEntry& entry = m_entries[i];
        paintSwatch(*painter, QRectF(x, middle - kSwatch / 2, kSwatch, kSwatch), entry, m_theme.colour(Theme::Role::Panel),
                    m_theme.colour(Theme::Role::Line));
        painter->setPen(m_theme.colour(Theme::Role::Muted));
        painter->drawText(QRectF(x + kSwatch + kSwatchGap, middle - 9, width(entry), 18), Qt::AlignLeft | Qt::AlignVCenter,
                          entry.text);
        x += width(entry) + kEntryGap;
    }
    painter->restore();
}

HeatLegend::HeatLegend(QCustomPlot& plot, const Theme& theme, int width) : QCPLayoutElement(&plot), m_theme(theme) {
    setMinimumSize(width, 20);
    setMaximumSize(width, QWIDGETSIZE_MAX);
}

void HeatLegend::setEnds(const QString& top, const QString& bottom) {
    m_top = top;
    m_bottom = bottom;
}

void HeatLegend::draw(QCPPainter* painter) {
    const QRectF bar(rect().left(), rect().top(), 8, rect().height());
    painter->save();
    painter->setAntialiasing(false);
    QLinearGradient gradient(bar.bottomLeft(), bar.topLeft());
    for (int i = 0; i <= 16; ++i)
        gradient.setColorAt(i / 16.0, Theme::magnitude(i / 16.0));
    painter->fillRect(bar, gradient);
    painter->setFont(m_theme.caption());
    painter->setPen(m_theme.colour(Theme::Role::Muted));
    const double line = QFontMetricsF(m_theme.caption()).height();
    const double x = bar.right() + 4;
    const double width = rect().right() - x + 1;
    painter->drawText(QRectF(x, bar.top() - 2, width, line), Qt::AlignLeft | Qt::AlignTop, m_top);
    painter->drawText(QRectF(x, bar.bottom() - line + 2, width, line), Qt::AlignLeft | Qt::AlignBottom, m_bottom);
    painter->restore();
}

} // namespace moescope::ui

#include "ui/simulator/sweep_view.h"

#include "ui/plot/plot_style.h"

#include <cmath>

namespace moescope::ui {
namespace {

using Role = Theme::Role;
constexpr double kDot = 3.5;
constexpr int kShapes = 4;

/// Lines differ by the shape of their points too, so that colour is never all that tells them apart.
void drawDot(QCPPainter& painter, const QPointF& at, std::size_t line, double size) {
    const QRectF box(at.x() - size, at.y() - size, 2 * size, 2 * size);
    switch (line % kShapes) {
    case 0:
        painter.drawEllipse(box);
        return;
    case 1:
        painter.drawRect(box);
        return;
    case 2:
        painter.drawPolygon(
            QPolygonF{{at.x(), box.top()}, {box.right(), at.y()}, {at.x(), box.bottom()}, {box.left(), at.y()}});
        return;
    default:
        painter.drawPolygon(QPolygonF{{at.x(), box.top()}, box.bottomRight(), box.bottomLeft()});
    }
}

/// Breaks where a figure is not defined.
void drawPath(QCPPainter& painter, const SweepLines& lines, const std::vector<double>& x, const std::vector<double>& y) {
    for (std::size_t i = 1; i < x.size(); ++i)
        if (!std::isnan(y[i - 1]) && !std::isnan(y[i]))
            painter.drawLine(lines.pixelOf(x[i - 1], y[i - 1]), lines.pixelOf(x[i], y[i]));
}

} // namespace

SweepLines::SweepLines(QCPAxisRect* rect, const SweepPicture& picture, const Theme& theme)
    : Canvas(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft), QStringLiteral("main"), true), m_picture(picture),
      m_theme(theme) {}

QPointF SweepLines::pixelOf(double x, double y) const {
    return {keyAxis()->coordToPixel(x), valueAxis()->coordToPixel(y)};
}

QPointF SweepLines::pixelOf(const SweepSpot& spot) const {
    const SweepPicture::Line& line = m_picture.lines[static_cast<std::size_t>(spot.line)];
    const auto place = static_cast<std::size_t>(spot.place);
    return pixelOf(line.x[place], line.y[place]);
}

bool SweepLines::drawn(const SweepSpot& spot) const {
    return spot.valid() && !std::isnan(pixelOf(spot).y());
}

QColor SweepLines::colourOf(std::size_t line) const {
    return m_picture.lines.size() == 1 ? m_theme.colour(Role::Accent)
                                       : m_theme.layer(static_cast<int>(line), static_cast<int>(m_picture.lines.size()));
}

void SweepLines::paint(QCPPainter& painter) {
    painter.setFont(m_theme.caption());
    paintNames(painter);
    painter.setClipRect(area().adjusted(0, -kDot - 1, 0, 1));
    paintRecorded(painter);
    for (std::size_t line = 0; line < m_picture.lines.size(); ++line)
        paintLine(painter, line);
}

void SweepLines::paintLine(QCPPainter& painter, std::size_t number) const {
    const SweepPicture::Line& line = m_picture.lines[number];
    painter.setAntialiasing(true);
    painter.setPen(QPen(m_theme.colour(Role::Ink), 1.2, Qt::DashLine));
    if (!line.bound.empty())
        drawPath(painter, *this, line.x, line.bound);
    const QColor colour = colourOf(number);
    painter.setPen(QPen(colour, 2));
    drawPath(painter, *this, line.x, line.y);
    painter.setPen(QPen(m_theme.colour(Role::Panel), 1));
    painter.setBrush(colour);
    for (std::size_t i = 0; i < line.x.size(); ++i)
        if (!std::isnan(line.y[i]))
            drawDot(painter, pixelOf(line.x[i], line.y[i]), number, kDot);
    painter.setBrush(Qt::NoBrush);
}

void SweepLines::paintRecorded(QCPPainter& painter) const {
    if (std::isnan(m_picture.recorded))
        return;
    const double y = std::round(valueAxis()->coordToPixel(m_picture.recorded)) + 0.5;
    if (y < area().top() || y > area().bottom())
        return;
    painter.setAntialiasing(false);
    painter.setPen(QPen(m_theme.colour(Role::Muted), 1, Qt::DotLine));
    painter.drawLine(QPointF(area().left(), y), QPointF(area().right(), y));
    painter.setPen(m_theme.colour(Role::Muted));
    const double top = y - 15 < area().top() ? y + 2 : y - 15;
    painter.drawText(QRectF(area().left() + 4, top, area().width() - 8, 14), Qt::AlignRight, QObject::tr("recorded"));
}

void SweepLines::paintNames(QCPPainter& painter) const {
    painter.setClipRect(area().adjusted(-4, 0, 4, 18));
    painter.setPen(m_theme.colour(Role::Muted));
    const QFontMetricsF metrics(m_theme.caption());
    const double room = std::abs(keyAxis()->coordToPixel(1) - keyAxis()->coordToPixel(0)) - 4;
    for (qsizetype i = 0; i < m_picture.names.size(); ++i) {
        const double middle = keyAxis()->coordToPixel(static_cast<double>(i));
        if (middle < area().left() || middle > area().right())
            continue;
        painter.drawText(QRectF(middle - room / 2, area().bottom() + 3, room, 14), Qt::AlignHCenter,
                         metrics.elidedText(m_picture.names[i], Qt::ElideRight, room));
    }
}

SweepFocus::SweepFocus(QCPAxisRect* rect, const SweepLines& lines, const Theme& theme)
    : Canvas(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft), QStringLiteral("overlay")), m_lines(lines),
      m_theme(theme) {}

bool SweepFocus::setSpots(const SweepSpot& hovered, const SweepSpot& chosen) {
    if (hovered == m_hovered && chosen == m_chosen)
        return false;
    m_hovered = hovered;
    m_chosen = chosen;
    return true;
}

void SweepFocus::paint(QCPPainter& painter) {
    painter.setAntialiasing(true);
    if (m_range) {
        QColor fill = m_theme.colour(Role::Accent);
        fill.setAlpha(55);
        const double left = keyAxis()->coordToPixel(m_range->lower);
        painter.fillRect(QRectF(left, area().top(), keyAxis()->coordToPixel(m_range->upper) - left, area().height()), fill);
    }
    painter.setBrush(Qt::NoBrush);
    if (m_lines.drawn(m_hovered)) {
        painter.setPen(QPen(m_theme.colour(Role::Ink), 1.5));
        drawDot(painter, m_lines.pixelOf(m_hovered), static_cast<std::size_t>(m_hovered.line), kDot + 2);
    }
    if (m_lines.drawn(m_chosen)) {
        painter.setPen(QPen(m_theme.colour(Role::Accent), 2));
        painter.drawEllipse(m_lines.pixelOf(m_chosen), kDot + 5, kDot + 5);
    }
}

SweepView::SweepView(QCustomPlot& plot, const Theme& theme) : m_theme(theme) {
    plot.plotLayout()->clear();
    plot.plotLayout()->setRowSpacing(0);
    m_legend = new LegendRow(plot, theme, Qt::AlignRight, 20);
    m_legend->setMargins(QMargins(110, 0, 34, 0));
    plot.plotLayout()->addElement(0, 0, m_legend);
    auto* rect = new QCPAxisRect(&plot, false);
    rect->addAxes(QCPAxis::atBottom | QCPAxis::atLeft);
    rect->setAutoMargins(QCP::msNone);
    rect->setMargins(QMargins(54, 6, 10, 36));
    plot.plotLayout()->addElement(1, 0, rect);
    m_lines = new SweepLines(rect, m_picture, theme);
    m_focus = new SweepFocus(rect, *m_lines, theme);
    for (QCPAxis* axis : {&xAxis(), &yAxis()}) {
        axis->setTickPen(Qt::NoPen);
        axis->setTickLength(0, 0);
        axis->setTickLabelPadding(4);
        axis->setLabelPadding(2);
        axis->grid()->setLayer(QStringLiteral("grid"));
    }
    yAxis().setBasePen(Qt::NoPen);
    yAxis().ticker()->setTickCount(4);
    xAxis().grid()->setVisible(false);
    restyle();
}

void SweepView::show(SweepPicture picture, const QString& xTitle, const QString& yTitle, const QString& lineTitle,
                     bool approximate, bool fitted) {
    m_picture = std::move(picture);
    m_lineTitle = lineTitle;
    m_approximate = approximate;
    m_focus->setSpots({}, {});
    xAxis().setLabel(xTitle);
    yAxis().setLabel(yTitle);
    setTicks();
    setLegend();
    if (fitted)
        fit();
}

void SweepView::setTicks() {
    const bool named = !m_picture.names.isEmpty();
    xAxis().setTickLabels(!named);
    // Named places are written by SweepLines; the axis keeps the room that its labels would take.
    xAxis().setLabelPadding(named ? 20 : 2);
    xAxis().ticker()->setTickCount(6);
}

void SweepView::setLegend() {
    std::vector<LegendEntry> entries;
    entries.push_back({m_approximate ? QObject::tr("estimate, approximate where gating differs") : QObject::tr("estimate"),
                       m_theme.colour(Role::Muted), Swatch::Frame});
    bool bound = false;
    for (std::size_t i = 0; i < m_picture.lines.size(); ++i) {
        const SweepPicture::Line& line = m_picture.lines[i];
        bound |= !line.bound.empty();
        if (!line.name.isEmpty())
            entries.push_back({line.name, m_lines->colourOf(i), Swatch::Line});
    }
    if (bound)
        entries.insert(entries.begin() + 1,
                       LegendEntry{QObject::tr("Belady bound"), m_theme.colour(Role::Ink), Swatch::Dashed});
    m_legend->setEntries(std::move(entries));
}

void SweepView::fit() {
    xAxis().setRange(m_picture.left, m_picture.right);
    yAxis().setRange(m_picture.bottom, m_picture.top);
}

void SweepView::restyle() {
    setLegend();
}

} // namespace moescope::ui

#include "ui/live_label.h"

#include <QPainter>

namespace moescope::ui {

namespace {
constexpr int kDot = 8;
constexpr int kDotGap = 6;
constexpr int kRoom = 2; // a text that changes in its last digit must not make the label grow each time
} // namespace

LiveLabel::LiveLabel(const Theme& theme, Theme::Role role, const QFont& font, Fit fit, QWidget* parent)
    : QWidget(parent), m_theme(theme), m_role(role), m_fit(fit) {
    setFont(font);
    setSizePolicy(fit == Fit::Grow ? QSizePolicy::Fixed : QSizePolicy::Expanding, QSizePolicy::Preferred);
    connect(&theme, &Theme::changed, this, qOverload<>(&QWidget::update));
}

int LiveLabel::dotWidth() const {
    return m_dot ? kDot + kDotGap : 0;
}

void LiveLabel::setText(const QString& text) {
    if (text == m_text)
        return;
    m_text = text;
    setAccessibleName(text);
    update();
    if (m_fit == Fit::Elide)
        return;
    const int width = fontMetrics().horizontalAdvance(text) + dotWidth();
    if (width <= m_widest)
        return;
    m_widest = width + kRoom;
    updateGeometry();
}

void LiveLabel::setDot(Theme::Role role) {
    if (m_dot == role)
        return;
    m_dot = role;
    update();
}

QSize LiveLabel::sizeHint() const {
    const int width = m_fit == Fit::Grow ? m_widest : fontMetrics().horizontalAdvance(m_text) + dotWidth();
    return {width, fontMetrics().height() + 2};
}

QSize LiveLabel::minimumSizeHint() const {
    return {m_fit == Fit::Grow ? m_widest : 24, fontMetrics().height()};
}

void LiveLabel::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    QRect area = rect();
    if (m_dot) {
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(Qt::NoPen);
        painter.setBrush(m_theme.colour(*m_dot));
        painter.drawEllipse(QRectF(0, (height() - kDot) / 2.0, kDot, kDot));
        area.setLeft(dotWidth());
    }
    QString shown = m_text;
    if (m_fit == Fit::Elide) {
        shown = fontMetrics().elidedText(m_text, Qt::ElideRight, area.width());
        const QString tip = shown == m_text ? QString() : m_text;
        if (tip != toolTip())
            setToolTip(tip);
    }
    painter.setPen(m_theme.colour(isEnabled() ? m_role : Theme::Role::Muted));
    painter.drawText(area, static_cast<int>(m_alignment) | Qt::TextSingleLine, shown);
}

} // namespace moescope::ui

#include "ui/elided_label.h"

#include <QPainter>
#include <QStyleOption>

namespace moescope::ui {

QSize ElidedLabel::minimumSizeHint() const {
    return {std::min(24, sizeHint().width()), QLabel::minimumSizeHint().height()};
}

void ElidedLabel::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    QStyleOption option;
    option.initFrom(this);
    style()->drawPrimitive(QStyle::PE_Widget, &option, &painter, this);
    const QRect area = contentsRect();
    const QString shown = fontMetrics().elidedText(text(), Qt::ElideRight, area.width());
    const bool cut = shown != text();
    if (cut != !toolTip().isEmpty() || (cut && toolTip() != text()))
        setToolTip(cut ? text() : QString());
    painter.setPen(palette().color(isEnabled() ? QPalette::Normal : QPalette::Disabled, foregroundRole()));
    painter.drawText(area, static_cast<int>(alignment()) | Qt::TextSingleLine, shown);
}

} // namespace moescope::ui

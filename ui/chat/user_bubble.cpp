#include "ui/chat/user_bubble.h"

#include <QLabel>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace moescope::ui {

UserBubble::UserBubble(QWidget* parent) : QFrame(parent), m_label(new QLabel(this)) {
    setObjectName(u"userBubble"_s);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(12, 8, 12, 8);
    column->addWidget(m_label);
    m_label->setTextFormat(Qt::PlainText);
    m_label->setWordWrap(true);
    m_label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Preferred);
}

void UserBubble::setText(const QString& text) {
    m_label->setText(text);
    updateGeometry();
}

QSize UserBubble::sizeHint() const {
    // A wrapping label asks for a narrow column; a short question should stand on one line.
    int line = 0;
    for (const QString& part : m_label->text().split(u'\n'))
        line = std::max(line, m_label->fontMetrics().horizontalAdvance(part));
    return {line + 28, QFrame::sizeHint().height()};
}

QString UserBubble::text() const {
    return m_label->text();
}

} // namespace moescope::ui

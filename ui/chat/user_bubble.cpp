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
    // A wrapping label asks for a narrow column; a short question should stand on one line.
    const int line = m_label->fontMetrics().horizontalAdvance(text.section(u'\n', 0, 0)) + 4;
    m_label->setMinimumWidth(std::min(line, 220));
}

QString UserBubble::text() const {
    return m_label->text();
}

} // namespace moescope::ui

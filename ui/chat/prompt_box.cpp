#include "ui/chat/prompt_box.h"

#include <QKeyEvent>
#include <QStyle>
#include <algorithm>

namespace moescope::ui {

namespace {
constexpr int kMaxLines = 6;
}

PromptBox::PromptBox(QWidget* parent) : QPlainTextEdit(parent) {
    setFrameShape(QFrame::NoFrame);
    setTabChangesFocus(true);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setVerticalScrollBarPolicy(Qt::ScrollBarAsNeeded);
    document()->setDocumentMargin(4);
    connect(this, &QPlainTextEdit::textChanged, this, &QWidget::updateGeometry);
}

QSize PromptBox::sizeHint() const {
    const int lines = std::clamp(document()->lineCount(), 2, kMaxLines);
    return {200, lines * fontMetrics().lineSpacing() + 10};
}

void PromptBox::remember(const QString& sent) {
    m_sent.removeAll(sent);
    m_sent << sent;
    m_recalled = m_sent.size();
}

void PromptBox::recall(int step) {
    if (m_sent.isEmpty())
        return;
    m_recalled = std::clamp<qsizetype>(m_recalled + step, 0, m_sent.size());
    setPlainText(m_recalled < m_sent.size() ? m_sent[m_recalled] : QString());
    moveCursor(QTextCursor::End);
}

void PromptBox::keyPressEvent(QKeyEvent* event) {
    const bool enter = event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
    const bool recalling = toPlainText().isEmpty() || (m_recalled < m_sent.size() && toPlainText() == m_sent[m_recalled]);
    if (enter && !(event->modifiers() & Qt::ShiftModifier))
        Q_EMIT sendPressed();
    else if (event->key() == Qt::Key_Escape)
        Q_EMIT escapePressed();
    else if (event->key() == Qt::Key_Up && recalling)
        recall(-1);
    else if (event->key() == Qt::Key_Down && recalling)
        recall(1);
    else
        QPlainTextEdit::keyPressEvent(event);
}

void PromptBox::focusInEvent(QFocusEvent* event) {
    QPlainTextEdit::focusInEvent(event);
    frameFocus(true);
}

void PromptBox::focusOutEvent(QFocusEvent* event) {
    QPlainTextEdit::focusOutEvent(event);
    frameFocus(false);
}

void PromptBox::frameFocus(bool focus) {
    QWidget* frame = parentWidget();
    if (!frame)
        return;
    frame->setProperty("focus", focus);
    frame->style()->unpolish(frame);
    frame->style()->polish(frame);
}

} // namespace moescope::ui

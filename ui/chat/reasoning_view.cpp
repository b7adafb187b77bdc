#include "ui/chat/reasoning_view.h"

#include <QLabel>
#include <QToolButton>
#include <QVBoxLayout>

namespace moescope::ui {

ReasoningView::ReasoningView(const Theme& theme, QWidget* parent) : QWidget(parent) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(4);
    m_fold = new QToolButton(this);
    m_fold->setProperty("flat", true);
    m_fold->setCheckable(true);
    m_fold->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_fold->setArrowType(Qt::RightArrow);
    m_fold->setFocusPolicy(Qt::TabFocus);
    m_fold->setToolTip(tr("What the model thought before it answered"));
    m_body = new QLabel(this);
    m_body->setProperty("muted", true);
    m_body->setFont(theme.body());
    m_body->setTextFormat(Qt::PlainText);
    m_body->setWordWrap(true);
    m_body->setIndent(12);
    m_body->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    m_body->setAccessibleName(tr("Reasoning"));
    m_body->hide();
    column->addWidget(m_fold);
    column->addWidget(m_body);
    hide();
    connect(m_fold, &QToolButton::toggled, this, &ReasoningView::fill);
}

void ReasoningView::showParts(const analysis::AnswerSplit& split) {
    m_text = QString::fromStdString(split.reasoning).trimmed();
    const QString tokens = split.hiddenTokens == 1 ? tr("1 token") : tr("%1 tokens").arg(split.hiddenTokens);
    m_fold->setText(split.thinking ? tr("Reasoning… (%1)").arg(tokens) : tr("Reasoning (%1)").arg(tokens));
    setVisible(!m_text.isEmpty());
    if (isOpen())
        fill();
}

void ReasoningView::fill() {
    m_fold->setArrowType(isOpen() ? Qt::DownArrow : Qt::RightArrow);
    // A folded text is not laid out: thoughts are long, and grow with every token.
    m_body->setText(isOpen() ? m_text : QString());
    m_body->setVisible(isOpen());
}

void ReasoningView::setOpen(bool open) {
    m_fold->setChecked(open);
}

bool ReasoningView::isOpen() const {
    return m_fold->isChecked();
}

QString ReasoningView::title() const {
    return m_fold->text();
}

QString ReasoningView::shownText() const {
    return m_body->text();
}

} // namespace moescope::ui

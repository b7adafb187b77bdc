#include "ui/chat/answer_view.h"

#include <QAbstractTextDocumentLayout>
#include <QMouseEvent>
#include <QScrollBar>
#include <cmath>

namespace moescope::ui {

AnswerView::AnswerView(Selection& selection, const Theme& theme, QWidget* parent)
    : QTextBrowser(parent), m_selection(selection), m_theme(theme), m_text(*document()) {
    setFrameShape(QFrame::NoFrame);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setOpenLinks(false);
    setMouseTracking(true);
    viewport()->setMouseTracking(true);
    viewport()->setAutoFillBackground(false);
    document()->setDefaultFont(theme.body());
    setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    setFocusPolicy(Qt::ClickFocus);
    connect(document()->documentLayout(), &QAbstractTextDocumentLayout::documentSizeChanged, this, &AnswerView::fitHeight);
    connect(&selection, &Selection::hoverChanged, this, &AnswerView::highlight);
    connect(&selection, &Selection::chosenChanged, this, &AnswerView::highlight);
    connect(&theme, &Theme::changed, this, &AnswerView::highlight);
}

void AnswerView::showTurn(const analysis::Snapshot& snapshot, const analysis::TurnRecord& turn,
                          const analysis::AnswerSplit& split) {
    const bool complete = turn.ended >= 0;
    const QString whole = QString::fromStdString(split.said);
    const bool firstMoved = turn.firstAnswerToken != m_firstToken;
    const auto count = static_cast<std::size_t>(std::max(turn.answerTokens, 0));
    if (firstMoved || count < m_tokens.size() || split.hiddenTokens != m_hiddenTokens)
        m_tokens.clear();
    m_hiddenTokens = split.hiddenTokens;
    m_firstToken = turn.firstAnswerToken;
    if (m_firstToken.valid()) {
        const auto first = static_cast<std::size_t>(m_firstToken.value);
        while (m_tokens.size() < count && first + m_tokens.size() < snapshot.tokens.size()) {
            const bool hidden = m_tokens.size() < static_cast<std::size_t>(m_hiddenTokens);
            m_tokens.push_back(hidden ? QString() : QString::fromStdString(snapshot.tokens[first + m_tokens.size()].text));
        }
    }
    m_text.update(whole, complete);
    m_spansStale = true;
    if (m_marked)
        highlight();
}

void AnswerView::align() {
    if (!m_spansStale)
        return;
    m_spans = alignTokens(m_tokens, document()->toPlainText());
    m_spansStale = false;
}

TokenSpan AnswerView::spanOf(trace::TokenIndex token) {
    const int index = token.value - m_firstToken.value;
    if (!m_firstToken.valid() || index < 0 || index >= static_cast<int>(m_tokens.size()))
        return {};
    align();
    return m_spans[static_cast<std::size_t>(index)];
}

std::optional<trace::TokenIndex> AnswerView::tokenAt(const QPoint& position) {
    const int character = document()->documentLayout()->hitTest(position, Qt::ExactHit);
    if (character < 0 || !m_firstToken.valid())
        return std::nullopt;
    align();
    const int index = spanAt(m_spans, character);
    return index < 0 ? std::nullopt : std::optional(trace::TokenIndex(m_firstToken.value + index));
}

void AnswerView::highlight() {
    const auto token = m_selection.effective().token;
    const TokenSpan span = token ? spanOf(*token) : TokenSpan{};
    QList<QTextEdit::ExtraSelection> marks;
    if (!span.empty()) {
        QTextEdit::ExtraSelection mark;
        mark.cursor = QTextCursor(document());
        mark.cursor.setPosition(span.begin);
        mark.cursor.setPosition(span.end, QTextCursor::KeepAnchor);
        QColor ground = m_theme.colour(Theme::Role::Accent);
        ground.setAlphaF(0.45F);
        mark.format.setBackground(ground);
        marks << mark;
    }
    if (marks.isEmpty() && !m_marked)
        return;
    m_marked = span.empty() ? std::nullopt : token;
    setExtraSelections(marks);
}

void AnswerView::mouseMoveEvent(QMouseEvent* event) {
    QTextBrowser::mouseMoveEvent(event);
    if (event->buttons() != Qt::NoButton)
        return; // selecting text is not pointing at a token
    Selection::Target target;
    target.token = tokenAt(event->position().toPoint());
    m_selection.hover(target);
}

void AnswerView::mouseReleaseEvent(QMouseEvent* event) {
    QTextBrowser::mouseReleaseEvent(event);
    if (event->button() != Qt::LeftButton || textCursor().hasSelection())
        return;
    Selection::Target target = m_selection.chosen();
    const auto token = tokenAt(event->position().toPoint());
    target.token = token == target.token ? std::nullopt : token;
    m_selection.choose(target);
}

void AnswerView::leaveEvent(QEvent* event) {
    QTextBrowser::leaveEvent(event);
    m_selection.hover({});
}

void AnswerView::resizeEvent(QResizeEvent* event) {
    QTextBrowser::resizeEvent(event);
    fitHeight();
}

void AnswerView::wheelEvent(QWheelEvent* event) {
    event->ignore();
}

void AnswerView::fitHeight() {
    const int height = static_cast<int>(std::ceil(document()->size().height()));
    if (height != minimumHeight() || height != maximumHeight())
        setFixedHeight(height);
}

QSize AnswerView::sizeHint() const {
    return {240, static_cast<int>(std::ceil(document()->size().height()))};
}

QSize AnswerView::minimumSizeHint() const {
    return {80, 0};
}

} // namespace moescope::ui

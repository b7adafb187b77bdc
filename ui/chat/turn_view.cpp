#include "ui/chat/turn_view.h"

#include "ui/chat/answer_view.h"
#include "ui/chat/reasoning_view.h"
#include "ui/chat/user_bubble.h"
#include "ui/format.h"
#include "ui/icons.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QToolButton>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {
constexpr qint64 kStatisticsMs = 250;
}

QString endReasonText(trace::EndReason reason) {
    switch (reason) {
    case trace::EndReason::EndOfText:
        return TurnView::tr("end of text");
    case trace::EndReason::StopString:
        return TurnView::tr("stop string");
    case trace::EndReason::TokenLimit:
        return TurnView::tr("token limit");
    case trace::EndReason::ContextFull:
        return TurnView::tr("context full");
    case trace::EndReason::Requested:
        return TurnView::tr("stopped");
    case trace::EndReason::Failed:
        return TurnView::tr("failed");
    }
    return {};
}

QString turnStatistics(const analysis::TurnRecord& turn) {
    QStringList parts;
    if (turn.decodeTokensPerSecond > 0)
        parts << TurnView::tr("%1 tok/s").arg(format::rate(turn.decodeTokensPerSecond));
    if (turn.firstTokenAt >= 0)
        parts << TurnView::tr("TTFT %1").arg(format::duration(turn.firstTokenAt - turn.began));
    parts << (turn.answerTokens == 1 ? TurnView::tr("1 token") : TurnView::tr("%1 tokens").arg(turn.answerTokens));
    if (turn.meanKept > 0)
        parts << TurnView::tr("%1 experts").arg(QString::number(static_cast<double>(turn.meanKept), 'f', 2));
    parts << TurnView::tr("%1 moved").arg(format::bytes(turn.bytesMoved));
    if (turn.ended >= 0)
        parts << endReasonText(turn.reason);
    return parts.join(u" · "_s);
}

TurnView::TurnView(int turn, Selection& selection, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_turn(turn), m_theme(theme), m_reasoning(new ReasoningView(theme, this)),
      m_answer(new AnswerView(selection, theme, this)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    column->addWidget(makeQuestion());
    column->addWidget(m_reasoning);
    column->addWidget(m_answer);
    m_statistics = new QLabel(this);
    m_statistics->setProperty("statistics", true);
    m_statistics->setWordWrap(true);
    m_statistics->setTextInteractionFlags(Qt::TextSelectableByMouse);
    column->addWidget(m_statistics);
    column->addWidget(makeFoot());
    connect(&theme, &Theme::changed, this, &TurnView::restyle);
    restyle();
}

QWidget* TurnView::makeQuestion() {
    auto* holder = new QWidget(this);
    auto* row = new QHBoxLayout(holder);
    row->setContentsMargins(24, 0, 0, 0);
    row->setSpacing(4);
    row->addStretch(1);
    m_bubble = new UserBubble(holder);
    row->addWidget(m_bubble);
    return holder;
}

QWidget* TurnView::makeFoot() {
    auto* holder = new QWidget(this);
    auto* row = new QHBoxLayout(holder);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(2);
    m_copy = addTool(*row, u"copy"_s, tr("Copy the answer"));
    m_regenerate = addTool(*row, u"regenerate"_s, tr("Generate another answer with the next seed"));
    m_edit = addTool(*row, u"edit"_s, tr("Edit the question and send it again"));
    row->addSpacing(8);
    m_previous = addTool(*row, u"chevron-left"_s, tr("Previous variant"));
    m_variant = new QLabel(holder);
    m_variant->setProperty("caption", true);
    row->addWidget(m_variant);
    m_next = addTool(*row, u"chevron-right"_s, tr("Next variant"));
    row->addStretch(1);
    connect(m_edit, &QToolButton::clicked, this, [this] { Q_EMIT editRequested(m_turn); });
    connect(m_copy, &QToolButton::clicked, this,
            [this] { QGuiApplication::clipboard()->setText(m_answer->source().trimmed()); });
    connect(m_regenerate, &QToolButton::clicked, this, [this] { Q_EMIT regenerateRequested(m_turn); });
    connect(m_previous, &QToolButton::clicked, this, [this] { Q_EMIT variantRequested(m_turn, -1); });
    connect(m_next, &QToolButton::clicked, this, [this] { Q_EMIT variantRequested(m_turn, 1); });
    showVariant(0, 1);
    return holder;
}

QToolButton* TurnView::addTool(QLayout& row, const QString& name, const QString& tip) {
    auto* button = new QToolButton(this);
    button->setProperty("flat", true);
    button->setProperty("iconName", name);
    button->setToolTip(tip);
    button->setAccessibleName(tip);
    button->setFocusPolicy(Qt::TabFocus);
    row.addWidget(button);
    return button;
}

void TurnView::restyle() {
    for (QToolButton* button : findChildren<QToolButton*>())
        if (button->property("iconName").isValid())
            button->setIcon(icon(m_theme, button->property("iconName").toString(), Theme::Role::Muted));
}

void TurnView::showTurn(const analysis::Snapshot& snapshot, const analysis::TurnRecord& record) {
    const Shown now{record.answer.size(), record.answerTokens, record.ended, record.firstTokenAt, record.bytesMoved};
    if (now == m_shown)
        return; // most turns of a conversation are over
    m_shown = now;
    const QString prompt = QString::fromStdString(record.prompt);
    if (prompt != m_bubble->text())
        m_bubble->setText(prompt);
    const analysis::AnswerSplit split = analysis::splitAnswer(snapshot, record);
    m_reasoning->showParts(split);
    m_answer->showTurn(snapshot, record, split);
    m_answer->setVisible(!split.said.empty());
    // While the answer runs, figures that nobody can read that fast would have the conversation laid out for every token.
    if (record.ended >= 0 || !m_statisticsAge.isValid() || m_statisticsAge.elapsed() > kStatisticsMs) {
        m_statistics->setText(turnStatistics(record));
        m_statisticsAge.start();
    }
    m_statistics->setVisible(record.firstTokenAt >= 0 || record.ended >= 0);
}

void TurnView::showVariant(int index, int count) {
    m_variant->setText(u"%1/%2"_s.arg(index + 1).arg(count));
    for (QWidget* part : std::initializer_list<QWidget*>{m_variant, m_previous, m_next})
        part->setVisible(count > 1);
    m_previous->setEnabled(index > 0);
    m_next->setEnabled(index + 1 < count);
}

void TurnView::setActionsEnabled(bool enabled) {
    m_edit->setEnabled(enabled);
    m_regenerate->setEnabled(enabled);
}

QString TurnView::statistics() const {
    return m_statistics->text();
}

} // namespace moescope::ui

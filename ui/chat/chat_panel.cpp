#include "ui/chat/chat_panel.h"

#include "profiler/analysis/answer_split.h"
#include "ui/chat/chat_form.h"
#include "ui/chat/prompt_box.h"
#include "ui/chat/sampling_row.h"
#include "ui/chat/turn_view.h"
#include "ui/format.h"
#include "ui/live_label.h"

#include <QCoreApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QStyle>
#include <QToolButton>

using namespace Qt::StringLiterals;

namespace moescope::ui {

ChatPanel::ChatPanel(SessionFeed& feed, Selection& selection, Commands& commands, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_feed(feed), m_selection(selection), m_commands(commands), m_theme(theme) {
    setWindowTitle(tr("Chat"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    column->addWidget(makeConversation(), 1);
    m_sampling = new SamplingRow(this);
    m_sampling->hide();
    column->addWidget(makeFoot());
    column->addWidget(m_sampling);
    column->addWidget(makePrompt());
    setFocusProxy(m_prompt);
    connect(&feed, &SessionFeed::snapshotChanged, this, &ChatPanel::refresh);
    connect(m_sampling, &SamplingRow::changed, this, &ChatPanel::refreshControls);
    refresh();
}

ChatPanel::~ChatPanel() = default;

QWidget* ChatPanel::makeConversation() {
    m_scroll = new QScrollArea(this);
    m_scroll->setFrameShape(QFrame::NoFrame);
    m_scroll->setWidgetResizable(true);
    m_scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_scroll->setFocusPolicy(Qt::TabFocus);
    auto* content = new QWidget(m_scroll);
    content->setProperty("clear", true);
    m_column = new QVBoxLayout(content);
    m_column->setContentsMargins(0, 0, 4, 0);
    m_column->setSpacing(12);
    m_empty = new QLabel(content);
    m_empty->setWordWrap(true);
    m_empty->setProperty("muted", true);
    m_empty->setAlignment(Qt::AlignCenter);
    m_column->addWidget(m_empty, 1);
    m_column->addStretch(0);
    m_scroll->setWidget(content);
    connect(m_scroll->verticalScrollBar(), &QScrollBar::valueChanged, this,
            [this](int value) { m_atEnd = value >= m_scroll->verticalScrollBar()->maximum() - 4; });
    connect(m_scroll->verticalScrollBar(), &QScrollBar::rangeChanged, this, [this] {
        if (m_atEnd)
            scrollToEnd();
    });
    return m_scroll;
}

QWidget* ChatPanel::makeFoot() {
    auto* foot = new QWidget(this);
    auto* column = new QVBoxLayout(foot);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(4);
    auto* row = new QHBoxLayout;
    m_contextText = new LiveLabel(m_theme, Theme::Role::Muted, m_theme.caption(), LiveLabel::Fit::Elide, foot);
    m_samplingToggle = new QToolButton(foot);
    m_samplingToggle->setProperty("flat", true);
    m_samplingToggle->setCheckable(true);
    m_samplingToggle->setText(tr("sampling…"));
    m_samplingToggle->setToolTip(tr("System prompt, temperature, seed and the rest"));
    row->addWidget(m_contextText, 1);
    row->addWidget(m_samplingToggle);
    column->addLayout(row);
    m_context = new QProgressBar(foot);
    m_context->setTextVisible(false);
    m_context->setFixedHeight(4);
    m_context->setAccessibleName(tr("Context used"));
    column->addWidget(m_context);
    m_form = new QLabel(foot);
    m_form->setObjectName(u"chatForm"_s);
    m_form->setProperty("muted", true);
    m_form->setFont(m_theme.caption());
    m_form->setWordWrap(true);
    m_form->setToolTip(tr("How a conversation is written for this model"));
    column->addWidget(m_form);
    connect(m_samplingToggle, &QToolButton::toggled, m_sampling, &QWidget::setVisible);
    return foot;
}

QWidget* ChatPanel::makePrompt() {
    auto* frame = new QFrame(this);
    frame->setObjectName(u"promptFrame"_s);
    auto* row = new QHBoxLayout(frame);
    row->setContentsMargins(6, 6, 8, 6);
    m_prompt = new PromptBox(frame);
    m_prompt->setAccessibleName(tr("Message"));
    m_send = new QPushButton(tr("Send"), frame);
    m_send->setProperty("action", true);
    row->addWidget(m_prompt, 1);
    row->addWidget(m_send, 0, Qt::AlignVCenter);
    connect(m_prompt, &PromptBox::sendPressed, this, &ChatPanel::send);
    connect(m_prompt, &PromptBox::escapePressed, this, [this] {
        if (answering()) {
            stop();
        } else if (m_editing) {
            m_editing.reset();
            m_prompt->clear();
            refreshControls();
        }
    });
    connect(m_prompt, &QPlainTextEdit::textChanged, this, &ChatPanel::refreshControls);
    connect(m_send, &QPushButton::clicked, this, &ChatPanel::stopOrSend);
    return frame;
}

void ChatPanel::connectTurn(TurnView& view) {
    connect(&view, &TurnView::editRequested, this, &ChatPanel::edit);
    connect(&view, &TurnView::regenerateRequested, this, &ChatPanel::regenerate);
    connect(&view, &TurnView::variantRequested, this, &ChatPanel::showVariant);
}

bool ChatPanel::viewingLive() const {
    return !m_liveSession.isEmpty() && m_file == m_liveSession;
}

bool ChatPanel::answering() const {
    const auto snapshot = m_feed.snapshot();
    return m_ready && viewingLive() && !snapshot->turns.empty() && snapshot->turns.back().ended < 0;
}

void ChatPanel::setEngine(bool ready, const QString& liveSession) {
    m_ready = ready;
    m_liveSession = liveSession;
    refreshControls();
}

std::vector<TurnView*> ChatPanel::visibleTurns() const {
    std::vector<TurnView*> views;
    for (const int turn : m_tree.path()) {
        if (const auto found = m_views.find(turn); found != m_views.end())
            views.push_back(found->second);
    }
    return views;
}

void ChatPanel::refresh() {
    const auto snapshot = m_feed.snapshot();
    refreshTree(*snapshot);
    refreshViews(*snapshot);
    refreshControls();
    if (m_atEnd)
        scrollToEnd();
    if (answering())
        paintNow();
}

void ChatPanel::refreshTree(const analysis::Snapshot& snapshot) {
    const QString file = QString::fromStdString(snapshot.file);
    if (file != m_file || static_cast<int>(snapshot.turns.size()) < m_tree.size()) {
        if (file != m_file) {
            m_editing.reset();
            m_atEnd = true;
        }
        m_file = file;
        m_tree.clear();
        for (const auto& [turn, view] : m_views)
            view->deleteLater();
        m_views.clear();
    }
    std::vector<ConversationTree::Extent> extents;
    extents.reserve(snapshot.turns.size());
    for (const analysis::TurnRecord& turn : snapshot.turns) {
        const int before = turn.firstTokenAt >= 0 ? turn.contextUsed - turn.answerTokens : 0;
        // The next prompt leaves thoughts out: it goes on from where the answer would have ended without them.
        extents.push_back({before, turn.contextUsed - analysis::splitAnswer(snapshot, turn).hiddenTokens});
    }
    m_tree.update(extents);
}

void ChatPanel::refreshViews(const analysis::Snapshot& snapshot) {
    const std::vector<int> path = m_tree.path();
    int row = 1; // below the hint
    for (const int turn : path) {
        TurnView*& view = m_views[turn];
        if (!view) {
            view = new TurnView(turn, m_selection, m_theme, m_column->parentWidget());
            connectTurn(*view);
        }
        if (m_column->indexOf(view) != row)
            m_column->insertWidget(row, view);
        ++row;
        view->show();
        view->showTurn(snapshot, snapshot.turns[static_cast<std::size_t>(turn)]);
        const std::vector<int> variants = m_tree.variantsOf(turn);
        const auto place = std::find(variants.begin(), variants.end(), turn) - variants.begin();
        view->showVariant(static_cast<int>(place), static_cast<int>(variants.size()));
    }
    for (const auto& [turn, view] : m_views) {
        if (std::find(path.begin(), path.end(), turn) == path.end())
            view->hide();
    }
    m_empty->setVisible(path.empty());
}

QString ChatPanel::hint() const {
    if (!m_ready)
        return m_file.isEmpty() ? tr("The engine is not running. Open a session to replay it, or restart the engine.")
                                : tr("A replayed session. What was said stands here; the panels follow the cursor.");
    return tr("Ask the model something: its answer streams in here, and every panel shows what it cost.");
}

void ChatPanel::refreshControls() {
    const auto snapshot = m_feed.snapshot();
    const bool busy = answering();
    m_empty->setText(hint());
    m_send->setText(busy ? tr("Stop") : tr("Send"));
    m_send->setToolTip(busy ? tr("End the answer after this token (Esc)") : tr("Send (Enter)"));
    m_send->setEnabled(busy || (m_ready && !m_prompt->toPlainText().trimmed().isEmpty()));
    m_form->setText(chatFormText(*snapshot));
    m_form->setVisible(!m_form->text().isEmpty());
    const QString placeholder = !m_ready             ? tr("No engine is running")
                                : m_tree.size() == 0 ? tr("Try “Tell me a story about a fox and the moon.” Enter sends.")
                                : viewingLive()      ? tr("Message…")
                                                     : tr("Message… (goes to the live session)");
    m_prompt->setPlaceholderText(placeholder);
    for (const auto& [turn, view] : m_views)
        view->setActionsEnabled(m_ready && !busy && viewingLive());

    const std::vector<int> path = m_tree.path();
    const int limit = path.empty() ? (snapshot->info ? snapshot->info->model.contextTokens : 0)
                                   : snapshot->turns[static_cast<std::size_t>(path.back())].contextTokens;
    const int used = path.empty() ? 0 : snapshot->turns[static_cast<std::size_t>(path.back())].contextUsed;
    m_contextText->setText(limit > 0 ? tr("context %1 / %2").arg(used).arg(limit) : tr("context –"));
    m_context->setUpdatesEnabled(false); // else the bar paints at once, and with it everything else that waits to be painted
    m_context->setRange(0, std::max(limit, 1));
    m_context->setValue(std::min(used, std::max(limit, 1)));
    m_context->setUpdatesEnabled(true);
    const bool full = limit > 0 && used * 10 >= limit * 9;
    if (m_context->property("full").toBool() != full) {
        m_context->setProperty("full", full);
        m_context->style()->unpolish(m_context);
        m_context->style()->polish(m_context);
    }
    const SamplingChoice choice = m_sampling->choice();
    Q_EMIT captionChanged(tr("temperature %1 · seed %2").arg(choice.temperature).arg(choice.seed));
}

void ChatPanel::stopOrSend() {
    if (answering())
        stop();
    else
        send();
}

void ChatPanel::stop() {
    Q_EMIT m_commands.stopRequested();
}

void ChatPanel::send() {
    const QString text = m_prompt->toPlainText().trimmed();
    if (text.isEmpty() || !m_ready || answering())
        return;
    m_prompt->remember(text);
    m_prompt->clear();
    const bool live = viewingLive();
    if (!live)
        Q_EMIT liveSessionWanted();
    std::optional<int> parent;
    if (live && m_editing)
        parent = m_tree.parentOf(*m_editing);
    else if (live && m_tree.size() > 0)
        parent = m_tree.path().back();
    m_editing.reset();
    submit(parent, text, 0);
}

void ChatPanel::submit(std::optional<int> parent, const QString& text, quint64 seedStep) {
    QList<ChatTurn> messages = messagesUpTo(parent);
    messages << ChatTurn{u"user"_s, text};
    SamplingChoice choice = m_sampling->choice();
    choice.seed += seedStep;
    if (viewingLive())
        m_tree.expectChildOf(parent);
    m_atEnd = true;
    if (!m_feed.following())
        m_feed.setFollow(true);
    Q_EMIT m_commands.promptSubmitted(messages, choice);
}

QList<ChatTurn> ChatPanel::messagesUpTo(std::optional<int> parent) const {
    QList<ChatTurn> messages;
    const auto snapshot = m_feed.snapshot();
    for (std::optional<int> at = parent; at; at = m_tree.parentOf(*at)) {
        const analysis::TurnRecord& turn = snapshot->turns[static_cast<std::size_t>(*at)];
        messages.prepend({u"assistant"_s, QString::fromStdString(turn.answer).trimmed()});
        messages.prepend({u"user"_s, QString::fromStdString(turn.prompt)});
    }
    if (const QString system = m_sampling->systemPrompt(); !system.isEmpty())
        messages.prepend({u"system"_s, system});
    return messages;
}

void ChatPanel::regenerate(int turn) {
    if (!m_ready || answering() || !viewingLive())
        return;
    const auto snapshot = m_feed.snapshot();
    const auto variants = m_tree.variantsOf(turn).size();
    submit(m_tree.parentOf(turn), QString::fromStdString(snapshot->turns[static_cast<std::size_t>(turn)].prompt), variants);
}

void ChatPanel::edit(int turn) {
    const auto snapshot = m_feed.snapshot();
    m_editing = turn;
    m_prompt->setPlainText(QString::fromStdString(snapshot->turns[static_cast<std::size_t>(turn)].prompt));
    m_prompt->moveCursor(QTextCursor::End);
    m_prompt->setFocus();
}

void ChatPanel::showVariant(int turn, int step) {
    const std::vector<int> variants = m_tree.variantsOf(turn);
    const auto place = std::find(variants.begin(), variants.end(), turn) - variants.begin() + step;
    if (place < 0 || place >= static_cast<std::ptrdiff_t>(variants.size()))
        return;
    m_tree.select(variants[static_cast<std::size_t>(place)]);
    refresh();
}

void ChatPanel::paintNow() {
    // A token must not wait for the plots, whose turn comes from timers: lay out what grew, and paint before anything else.
    for (QWidget* part : {static_cast<QWidget*>(visibleTurns().back()), m_scroll->widget()})
        QCoreApplication::sendPostedEvents(part, QEvent::LayoutRequest);
    if (m_atEnd)
        scrollToEnd();
    m_scroll->viewport()->repaint();
}

void ChatPanel::scrollToEnd() {
    m_scroll->verticalScrollBar()->setValue(m_scroll->verticalScrollBar()->maximum());
}

} // namespace moescope::ui

#pragma once
#include "ui/chat/conversation_tree.h"
#include "ui/commands.h"
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QWidget>
#include <map>

class QLabel;
class QProgressBar;
class QPushButton;
class QScrollArea;
class QToolButton;
class QVBoxLayout;

namespace moescope::ui {

class LiveLabel;
class PromptBox;
class SamplingRow;
class TurnView;

/// The conversation: what the session says was asked and answered, and the box that asks. Owned by the main window; GUI thread.
class ChatPanel : public QWidget {
    Q_OBJECT
public:
    ChatPanel(SessionFeed& feed, Selection& selection, Commands& commands, const Theme& theme, QWidget* parent = nullptr);
    ~ChatPanel() override;

    /// Whether an engine listens, and the session it writes (empty: none). Sending from another session asks to go back first.
    void setEngine(bool ready, const QString& liveSession);
    bool answering() const;
    PromptBox& prompt() const { return *m_prompt; }
    SamplingRow& sampling() const { return *m_sampling; }
    std::vector<TurnView*> visibleTurns() const;
    QSize sizeHint() const override { return {320, 600}; }

public Q_SLOTS:
    void send();
    void stop();
    void stopOrSend();

Q_SIGNALS:
    void captionChanged(const QString& caption);
    void liveSessionWanted();

private:
    QWidget* makeConversation();
    QWidget* makePrompt();
    QWidget* makeFoot();
    void connectTurn(TurnView& view);
    void refresh();
    void refreshTree(const analysis::Snapshot& snapshot);
    void refreshViews(const analysis::Snapshot& snapshot);
    void refreshControls();
    void regenerate(int turn);
    void edit(int turn);
    void showVariant(int turn, int step);
    void submit(std::optional<int> parent, const QString& text, quint64 seedStep);
    QList<ChatTurn> messagesUpTo(std::optional<int> parent) const;
    QString hint() const;
    void scrollToEnd();
    void paintNow();
    bool viewingLive() const;

    SessionFeed& m_feed;
    Selection& m_selection;
    Commands& m_commands;
    const Theme& m_theme;
    ConversationTree m_tree;
    std::map<int, TurnView*> m_views;
    QString m_file;
    std::optional<int> m_editing; ///< the turn whose question is in the box
    QString m_liveSession;
    bool m_ready = false;
    bool m_atEnd = true; ///< the view sticks to the newest line

    QScrollArea* m_scroll = nullptr;
    QVBoxLayout* m_column = nullptr;
    QLabel* m_empty = nullptr;
    QLabel* m_form = nullptr;
    LiveLabel* m_contextText = nullptr;
    QProgressBar* m_context = nullptr;
    PromptBox* m_prompt = nullptr;
    QPushButton* m_send = nullptr;
    QToolButton* m_samplingToggle = nullptr;
    SamplingRow* m_sampling = nullptr;
};

} // namespace moescope::ui

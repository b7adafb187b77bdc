#pragma once
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QElapsedTimer>
#include <QWidget>

class QLabel;
class QToolButton;

namespace moescope::ui {

class AnswerView;
class ReasoningView;
class UserBubble;

/// A question, its answer, and the figures that belong to it. Child of ChatPanel; GUI thread.
class TurnView : public QWidget {
    Q_OBJECT
public:
    TurnView(int turn, Selection& selection, const Theme& theme, QWidget* parent = nullptr);

    int turn() const { return m_turn; }
    void showTurn(const analysis::Snapshot& snapshot, const analysis::TurnRecord& record);
    void showVariant(int index, int count); ///< "2/3"; hidden when there is one
    void setActionsEnabled(bool enabled);   ///< regenerate and edit need an engine
    AnswerView& answer() const { return *m_answer; }
    ReasoningView& reasoning() const { return *m_reasoning; }
    QString statistics() const;

Q_SIGNALS:
    void editRequested(int turn);
    void regenerateRequested(int turn);
    void variantRequested(int turn, int step);

private:
    QWidget* makeQuestion();
    QWidget* makeFoot();
    QToolButton* addTool(QLayout& row, const QString& name, const QString& tip);
    void restyle();

    /// What of the record was put on the screen.
    struct Shown {
        std::size_t characters = 0;
        std::int32_t tokens = -1;
        trace::TimeNs ended = -1;
        trace::TimeNs firstTokenAt = -1;
        std::int64_t bytesMoved = -1;
        friend bool operator==(const Shown&, const Shown&) = default;
    };
    int m_turn;
    Shown m_shown;
    QElapsedTimer m_statisticsAge;
    const Theme& m_theme;
    UserBubble* m_bubble = nullptr;
    ReasoningView* m_reasoning = nullptr;
    AnswerView* m_answer = nullptr;
    QLabel* m_statistics = nullptr;
    QLabel* m_variant = nullptr;
    QToolButton* m_edit = nullptr;
    QToolButton* m_copy = nullptr;
    QToolButton* m_regenerate = nullptr;
    QToolButton* m_previous = nullptr;
    QToolButton* m_next = nullptr;
};

/// "212 tok/s · TTFT 6 ms · 96 tokens · 1.52 experts · 41 MB moved · token limit"
QString turnStatistics(const analysis::TurnRecord& turn);
QString endReasonText(trace::EndReason reason);

} // namespace moescope::ui

#pragma once
#include "profiler/analysis/answer_split.h"
#include "ui/chat/answer_text.h"
#include "ui/chat/token_spans.h"
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QTextBrowser>

namespace moescope::ui {

/// One answer: as tall as its text, knows which token stands under the pointer, marks the token that is selected. Child of a
/// TurnView; GUI thread.
class AnswerView : public QTextBrowser {
    Q_OBJECT
public:
    AnswerView(Selection& selection, const Theme& theme, QWidget* parent = nullptr);

    /// Shows what the turn says, as the snapshot knows it; `split` is the turn's.
    void showTurn(const analysis::Snapshot& snapshot, const analysis::TurnRecord& turn, const analysis::AnswerSplit& split);
    QString source() const { return m_text.source(); }
    /// Character range of a token in the rendered text; empty if it is not in this answer.
    TokenSpan spanOf(trace::TokenIndex token);
    std::optional<trace::TokenIndex> tokenAt(const QPoint& position);

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

protected:
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;

private:
    void fitHeight();
    void highlight();
    void align();

    Selection& m_selection;
    const Theme& m_theme;
    AnswerText m_text;
    trace::TokenIndex m_firstToken;
    std::vector<QString> m_tokens;  ///< texts, from m_firstToken; empty for those of the thoughts
    int m_hiddenTokens = 0;         ///< the thoughts'
    std::vector<TokenSpan> m_spans; ///< valid unless m_spansStale
    bool m_spansStale = true;
    std::optional<trace::TokenIndex> m_marked;
};

} // namespace moescope::ui

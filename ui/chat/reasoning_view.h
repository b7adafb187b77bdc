#pragma once
#include "profiler/analysis/answer_split.h"
#include "ui/theme.h"

#include <QWidget>

class QLabel;
class QToolButton;

namespace moescope::ui {

/// What a model thought before its answer, folded under one line until it is opened (by mouse, or Space on the line). Child of
/// a TurnView; GUI thread.
class ReasoningView : public QWidget {
    Q_OBJECT
public:
    explicit ReasoningView(const Theme& theme, QWidget* parent = nullptr);

    /// Hides itself where nothing was thought.
    void showParts(const analysis::AnswerSplit& split);
    void setOpen(bool open);
    bool isOpen() const;
    QString title() const;
    QString shownText() const; ///< empty while folded

private:
    void fill();

    QString m_text;
    QToolButton* m_fold = nullptr;
    QLabel* m_body = nullptr;
};

} // namespace moescope::ui

#pragma once
#include <QPlainTextEdit>

namespace moescope::ui {

/// Where the user types: grows to six lines, Enter sends, Shift+Enter breaks the line, Up in an empty box brings back what was
/// sent before. Child of ChatPanel; GUI thread.
class PromptBox : public QPlainTextEdit {
    Q_OBJECT
public:
    explicit PromptBox(QWidget* parent = nullptr);

    void remember(const QString& sent);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

Q_SIGNALS:
    void sendPressed();
    void escapePressed();

protected:
    void keyPressEvent(QKeyEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;

private:
    void recall(int step);
    void frameFocus(bool focus);

    QStringList m_sent;
    qsizetype m_recalled = 0;
};

} // namespace moescope::ui

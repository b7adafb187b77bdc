#pragma once
#include <QFrame>

class QLabel;

namespace moescope::ui {

/// What the user asked, right-aligned. Child of a TurnView; GUI thread.
class UserBubble : public QFrame {
    Q_OBJECT
public:
    explicit UserBubble(QWidget* parent = nullptr);
    void setText(const QString& text);
    QString text() const;
    /// How wide the bubble may become: as wide as its text wants, up to this.
    void fit(int width);

private:
    QLabel* m_label = nullptr;
    int m_width = 220;
};

} // namespace moescope::ui

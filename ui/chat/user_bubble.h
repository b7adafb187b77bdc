#pragma once
#include <QFrame>

class QLabel;

namespace moescope::ui {

/// What the user asked: as wide as its text wants, if there is room. Child of a TurnView; GUI thread.
class UserBubble : public QFrame {
    Q_OBJECT
public:
    explicit UserBubble(QWidget* parent = nullptr);
    void setText(const QString& text);
    QString text() const;
    QSize sizeHint() const override;

private:
    QLabel* m_label = nullptr;
};

} // namespace moescope::ui

#pragma once
#include <QFrame>
#include <functional>

class QLabel;
class QPushButton;

namespace moescope::ui {

class Theme;

/// One line across the window for what needs the user: a failure, a full disk. Hidden while there is nothing. Owned by the main
/// window; GUI thread.
class Banner : public QFrame {
    Q_OBJECT
public:
    enum class Kind { Warning, Failure };
    explicit Banner(const Theme& theme, QWidget* parent = nullptr);

    /// `action` is the text of a button that calls `act`; empty: no button.
    void showMessage(Kind kind, const QString& text, const QString& action = {}, std::function<void()> act = {});
    void dismiss();
    QString text() const;

private:
    QLabel* m_text = nullptr;
    QPushButton* m_action = nullptr;
    std::function<void()> m_act;
};

} // namespace moescope::ui

#pragma once
#include <QToolButton>

namespace moescope::ui {

/// A small flat button that shows one of a few words and opens a menu of them: a plot's value or scope. GUI thread.
class ComboButton : public QToolButton {
    Q_OBJECT
public:
    ComboButton(const QString& name, const QStringList& choices, QWidget* parent = nullptr);
    int current() const { return m_current; }
    void setCurrent(int index);
    void setChoices(const QStringList& choices);
    void setChoiceEnabled(int index, bool enabled);

Q_SIGNALS:
    void currentChanged(int index);

private:
    void rebuild();
    QString m_name;
    QStringList m_choices;
    int m_current = 0;
};

} // namespace moescope::ui

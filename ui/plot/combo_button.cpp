#include "ui/plot/combo_button.h"

#include <QActionGroup>
#include <QMenu>

namespace moescope::ui {

ComboButton::ComboButton(const QString& name, const QStringList& choices, QWidget* parent)
    : QToolButton(parent), m_name(name), m_choices(choices) {
    setProperty("flat", true);
    setPopupMode(InstantPopup);
    setFocusPolicy(Qt::TabFocus);
    setMenu(new QMenu(this));
    rebuild();
}

void ComboButton::setChoices(const QStringList& choices) {
    if (choices == m_choices)
        return;
    m_choices = choices;
    m_current = std::min(m_current, static_cast<int>(choices.size()) - 1);
    rebuild();
}

void ComboButton::setCurrent(int index) {
    if (index == m_current || index < 0 || index >= m_choices.size())
        return;
    m_current = index;
    menu()->actions()[index]->setChecked(true);
    setText(m_choices[index] + QStringLiteral(" ▾"));
    setAccessibleName(tr("%1: %2").arg(m_name, m_choices[index]));
    Q_EMIT currentChanged(index);
}

void ComboButton::setChoiceEnabled(int index, bool enabled) {
    menu()->actions()[index]->setEnabled(enabled);
}

void ComboButton::rebuild() {
    menu()->clear();
    auto* group = new QActionGroup(menu());
    for (qsizetype i = 0; i < m_choices.size(); ++i) {
        QAction* action = menu()->addAction(m_choices[i]);
        action->setCheckable(true);
        action->setChecked(i == m_current);
        group->addAction(action);
        connect(action, &QAction::triggered, this, [this, i] { setCurrent(static_cast<int>(i)); });
    }
    const QString shown = m_choices.value(m_current);
    setText(shown + QStringLiteral(" ▾"));
    setToolTip(m_name);
    setAccessibleName(tr("%1: %2").arg(m_name, shown));
}

} // namespace moescope::ui

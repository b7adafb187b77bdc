#include "ui/dock_panel.h"

#include "ui/live_label.h"

#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QVBoxLayout>
#include <algorithm>

using namespace Qt::StringLiterals;

namespace moescope::ui {

DockPanel::DockPanel(const QString& name, QWidget* panel, const Theme& theme, QWidget* parent)
    : QDockWidget(panel->windowTitle(), parent), m_panel(panel) {
    setObjectName(name);
    setFeatures(DockWidgetClosable | DockWidgetMovable | DockWidgetFloatable);
    setTitleBarWidget(makeTitleBar(theme));
    setWidget(makeBody());
    connect(panel, &QWidget::windowTitleChanged, this, [this](const QString& title) {
        setWindowTitle(title);
        m_title->setText(title);
    });
}

QWidget* DockPanel::makeTitleBar(const Theme& theme) {
    m_bar = new QFrame(this);
    m_bar->setProperty("card", u"title"_s);
    auto* row = new QHBoxLayout(m_bar);
    row->setContentsMargins(12, 8, 12, 4);
    row->setSpacing(12);
    m_title = new QLabel(m_panel->windowTitle(), m_bar);
    m_title->setProperty("title", true);
    m_caption = new LiveLabel(theme, Theme::Role::Muted, theme.caption(), LiveLabel::Fit::Elide, m_bar);
    m_caption->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    row->addWidget(m_title);
    row->addWidget(m_caption, 1);
    return m_bar;
}

QWidget* DockPanel::makeBody() {
    auto* body = new QFrame(this);
    body->setProperty("card", u"body"_s);
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(12, 2, 12, 8);
    column->addWidget(m_panel);
    return body;
}

void DockPanel::setTabbed(bool tabbed) {
    m_title->setVisible(!tabbed);
    m_bar->layout()->setContentsMargins(12, tabbed ? 4 : 8, 12, tabbed ? 0 : 4);
}

void DockPanel::focusPanel() {
    show();
    raise();
    QWidget* target = m_panel;
    while (target->focusProxy())
        target = target->focusProxy();
    const auto takesFocus = [](const QWidget& widget) {
        return widget.focusPolicy() != Qt::NoFocus && widget.isVisible() && widget.isEnabled();
    };
    if (!takesFocus(*target)) { // an empty plot is hidden behind its explanation
        const QList<QWidget*> inside = m_panel->findChildren<QWidget*>();
        const auto found = std::find_if(inside.begin(), inside.end(), [&](QWidget* widget) { return takesFocus(*widget); });
        if (found != inside.end())
            target = *found;
    }
    target->setFocus(Qt::ShortcutFocusReason);
}

void DockPanel::setCaption(const QString& caption) {
    m_caption->setText(caption);
}

} // namespace moescope::ui

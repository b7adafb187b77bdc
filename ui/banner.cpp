#include "ui/banner.h"

#include "ui/icons.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QStyle>
#include <QToolButton>

using namespace Qt::StringLiterals;

namespace moescope::ui {

Banner::Banner(const Theme& theme, QWidget* parent) : QFrame(parent) {
    setObjectName(u"banner"_s);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(12, 6, 6, 6);
    m_text = new QLabel(this);
    m_text->setWordWrap(true);
    m_text->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_action = new QPushButton(this);
    auto* close = new QToolButton(this);
    close->setProperty("flat", true);
    close->setIcon(icon(theme, u"close"_s));
    close->setToolTip(tr("Hide this message"));
    close->setAccessibleName(tr("Hide this message"));
    row->addWidget(m_text, 1);
    row->addWidget(m_action);
    row->addWidget(close);
    connect(close, &QToolButton::clicked, this, &Banner::dismiss);
    connect(m_action, &QPushButton::clicked, this, [this] {
        const auto act = m_act;
        dismiss();
        if (act)
            act();
    });
    hide();
}

void Banner::showMessage(Kind kind, const QString& text, const QString& action, std::function<void()> act) {
    setProperty("kind", kind == Kind::Failure ? u"failure"_s : u"warning"_s);
    style()->unpolish(this);
    style()->polish(this);
    m_text->setText(text);
    m_action->setText(action);
    m_action->setVisible(!action.isEmpty());
    m_act = std::move(act);
    show();
}

void Banner::dismiss() {
    hide();
    m_act = {};
}

QString Banner::text() const {
    return m_text->text();
}

} // namespace moescope::ui

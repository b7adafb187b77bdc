#include "ui/transport_bar.h"

#include "ui/icons.h"

#include <QActionGroup>
#include <QHBoxLayout>
#include <QMenu>
#include <QToolButton>

using namespace Qt::StringLiterals;

namespace moescope::ui {

QString speedText(double speed) {
    if (speed == 0.25)
        return u"¼×"_s;
    if (speed == 0.5)
        return u"½×"_s;
    return QString::number(speed) + u"×"_s;
}

TransportBar::TransportBar(SessionFeed& feed, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_feed(feed), m_theme(theme) {
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(6);
    m_back = addButton(tr("One token back (Left)"));
    m_play = addButton(tr("Play or pause (Space)"));
    m_forward = addButton(tr("One token on (Right)"));
    m_speedButton = addButton(tr("Speed of replay"));
    m_follow = addButton(tr("Follow the newest event (F)"));
    m_follow->setText(tr("follow"));
    m_follow->setCheckable(true);
    m_speedButton->setPopupMode(QToolButton::InstantPopup);
    buildSpeedMenu();
    connect(m_back, &QToolButton::clicked, this, &TransportBar::stepBack);
    connect(m_play, &QToolButton::clicked, this, &TransportBar::togglePlay);
    connect(m_forward, &QToolButton::clicked, this, &TransportBar::stepForward);
    connect(m_follow, &QToolButton::clicked, this, &TransportBar::setFollow);
    connect(&feed, &SessionFeed::followChanged, this, &TransportBar::refresh);
    connect(&feed, &SessionFeed::playingChanged, this, &TransportBar::refresh);
    connect(&theme, &Theme::changed, this, &TransportBar::refresh);
    refresh();
}

QToolButton* TransportBar::addButton(const QString& tip) {
    auto* button = new QToolButton(this);
    button->setToolTip(tip);
    button->setAccessibleName(tip);
    button->setMinimumSize(38, 24);
    button->setFocusPolicy(Qt::TabFocus);
    layout()->addWidget(button);
    return button;
}

void TransportBar::buildSpeedMenu() {
    auto* menu = new QMenu(m_speedButton);
    auto* group = new QActionGroup(menu);
    for (const double speed : {0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0}) {
        QAction* action = menu->addAction(speedText(speed), this, [this, speed] { setSpeed(speed); });
        action->setCheckable(true);
        action->setChecked(speed == m_speed);
        group->addAction(action);
    }
    m_speedButton->setMenu(menu);
}

void TransportBar::togglePlay() {
    if (m_feed.playing())
        m_feed.setPlaying(false, m_speed);
    else if (m_feed.following() && m_feed.snapshot()->live)
        m_feed.setFollow(false);
    else
        m_feed.setPlaying(true, m_speed);
}

void TransportBar::stepBack() {
    m_feed.stepTokens(-1);
}

void TransportBar::stepForward() {
    m_feed.stepTokens(1);
}

void TransportBar::toStart() {
    m_feed.seekTime(0);
}

void TransportBar::toEnd() {
    m_feed.setFollow(true);
}

void TransportBar::setFollow() {
    m_feed.setFollow(true);
    refresh(); // a click on the checked button must not uncheck it
}

void TransportBar::setSpeed(double speed) {
    m_speed = speed;
    if (m_feed.playing())
        m_feed.setPlaying(true, speed);
    refresh();
}

void TransportBar::refresh() {
    const bool runs = m_feed.playing() || (m_feed.following() && m_feed.snapshot()->live);
    m_back->setIcon(icon(m_theme, u"step-back"_s));
    m_forward->setIcon(icon(m_theme, u"step-forward"_s));
    m_play->setIcon(icon(m_theme, runs ? u"pause"_s : u"play"_s));
    m_speedButton->setText(speedText(m_speed));
    m_follow->setChecked(m_feed.following());
}

} // namespace moescope::ui

#pragma once
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QWidget>

class QAction;
class QToolButton;

namespace moescope::ui {

/// Step, play or pause, step, speed, follow: the transport of a session, live or replayed. Child of the top bar; GUI thread.
/// While the view follows a live run, pause freezes the view and the recording goes on.
class TransportBar : public QWidget {
    Q_OBJECT
public:
    TransportBar(SessionFeed& feed, const Theme& theme, QWidget* parent = nullptr);

public Q_SLOTS:
    void togglePlay();
    void stepBack();
    void stepForward();
    void toStart();
    void toEnd();
    void setFollow();
    void setSpeed(double speed);

private:
    QToolButton* addButton(const QString& tip);
    void buildSpeedMenu();
    void refresh();

    SessionFeed& m_feed;
    const Theme& m_theme;
    QToolButton* m_back = nullptr;
    QToolButton* m_play = nullptr;
    QToolButton* m_forward = nullptr;
    QToolButton* m_speedButton = nullptr;
    QToolButton* m_follow = nullptr;
    double m_speed = 1;
};

QString speedText(double speed); ///< "×¼", "1×", "16×"

} // namespace moescope::ui

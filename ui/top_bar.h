#pragma once
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QFrame>

class QLabel;
class QMenuBar;

namespace moescope::ui {

class ElidedLabel;
class TransportBar;

/// The head of the window: name, menus, which model on which device, what is recorded or replayed, transport. Child of the
/// main window; GUI thread.
class TopBar : public QFrame {
    Q_OBJECT
public:
    TopBar(SessionFeed& feed, const Theme& theme, QWidget* parent = nullptr);

    QMenuBar& menus() const { return *m_menus; }
    TransportBar& transport() const { return *m_transport; }
    void setLiveSession(const QString& path);

private:
    void refresh();

    SessionFeed& m_feed;
    const Theme& m_theme;
    QMenuBar* m_menus = nullptr;
    ElidedLabel* m_model = nullptr;
    ElidedLabel* m_device = nullptr;
    QLabel* m_dot = nullptr;
    ElidedLabel* m_session = nullptr;
    TransportBar* m_transport = nullptr;
    QString m_liveSession;
};

/// "tales-moe 29M · Q8_0 · 8 × 8 experts, top-2"
QString modelText(const model::ModelFacts& facts);

} // namespace moescope::ui

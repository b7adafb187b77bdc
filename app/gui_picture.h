#pragma once
#include <QObject>
#include <QTimer>

namespace moescope::ui {
class MainWindow;
class SessionFeed;
} // namespace moescope::ui

namespace moescope::app {

/// Draws the window to a file once it shows the session, and ends the program. Owned by gui_main; GUI thread.
class GuiPicture : public QObject {
    Q_OBJECT
public:
    /// at: share of the session's time, -1 for its end.
    GuiPicture(ui::MainWindow& window, ui::SessionFeed& feed, const QString& path, double at);
    /// Waits for an answer that grows, and draws it while it does.
    void expectAnswer();

private:
    void arrived();
    bool answerGrown() const;
    void take();

    ui::MainWindow& m_window;
    ui::SessionFeed& m_feed;
    QString m_path;
    double m_at;
    bool m_sought = false;
    bool m_answer = false;
    QTimer m_settle; ///< runs out when nothing new has come for a while
    QTimer m_patience;
};

} // namespace moescope::app

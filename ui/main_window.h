#pragma once
#include "ui/banner.h"
#include "ui/engine_state.h"
#include "ui/settings_store.h"
#include "ui/window_docks.h"

#include <QMainWindow>

class QActionGroup;
class QMenu;

namespace moescope::ui {

class ScrubBar;
class StatusLine;
class TopBar;

/// The window: head with menus and transport, docks, status line. Knows no engine: app tells it what the engine is doing, and
/// hears what the user wants through Commands. Owned by app; GUI thread.
class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    MainWindow(SessionFeed& feed, Selection& selection, Commands& commands, Theme& theme, SettingsStore& store);
    ~MainWindow() override;

    void setFolders(const QString& sessions, const QString& samples);
    void setEngine(const EngineState& state);
    /// The session that the engine writes now (empty: none). The view goes there if it stood on the previous live one.
    void setLiveSession(const QString& path);
    const QString& liveSession() const { return m_liveSession; }
    void showMessage(Banner::Kind kind, const QString& text, const QString& action = {}, std::function<void()> act = {});
    void showRecordingPaused(const QString& reason);
    Banner& banner() const { return *m_banner; }
    WindowDocks& docks() const { return *m_docks; }
    StatusLine& statusLine() const { return *m_status; }

public Q_SLOTS:
    void openSession(const QString& path);
    void openPath(const QString& path); ///< a session or a model, by its ending
    void goLive();
    void resetLayout();

protected:
    void keyPressEvent(QKeyEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void closeEvent(QCloseEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    void buildFrame();
    void connectParts();
    void buildMenus();
    void buildFileMenu();
    void buildRunMenu();
    void buildViewMenu();
    void buildThemeMenu(QMenu& view);
    void buildAnalyseMenu();
    void buildHelpMenu();
    void fillRecent();
    void tellPanels();
    void askForRestart(const QString& name, const QString& value, const QString& words);
    void chooseSession();
    void chooseModel();
    void chooseRecordingFolder();
    void savePicture();
    void goToToken();
    void selectLastAnswer();
    void showKeys();
    void showAbout();
    void fitLayout();

    SessionFeed& m_feed;
    Selection& m_selection;
    Commands& m_commands;
    Theme& m_theme;
    SettingsStore& m_store;
    TopBar* m_top = nullptr;
    ScrubBar* m_scrub = nullptr;
    Banner* m_banner = nullptr;
    StatusLine* m_status = nullptr;
    WindowDocks* m_docks = nullptr;
    QMenu* m_recent = nullptr;
    EngineState m_engine;
    QString m_liveSession;
    QString m_sessionsFolder;
    QString m_shown;         ///< the session the view was last sent to
    QByteArray m_wideLayout; ///< while compact: what to go back to
    bool m_compact = false;
    bool m_restored = false;
};

} // namespace moescope::ui

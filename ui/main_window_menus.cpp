#include "ui/chat/chat_panel.h"
#include "ui/controls/controls_panel.h"
#include "ui/dock_panel.h"
#include "ui/main_window.h"
#include "ui/simulator/simulator_panel.h"
#include "ui/top_bar.h"
#include "ui/transport_bar.h"

#include <QActionGroup>
#include <QApplication>
#include <QFileDialog>
#include <QFileInfo>
#include <QInputDialog>
#include <QMenuBar>
#include <QMessageBox>

using namespace Qt::StringLiterals;

// The menus of the main window and what they do; the window itself is in main_window.cpp.
namespace moescope::ui {

namespace {

/// Keys that act only when nothing else wants them (see keyPressEvent) stand beside the words, but are no shortcuts.
QString withKey(const QString& text, const QString& key) {
    return text + u'\t' + key;
}

} // namespace

void MainWindow::buildMenus() {
    buildFileMenu();
    buildRunMenu();
    buildViewMenu();
    buildAnalyseMenu();
    buildHelpMenu();
    // The menu bar lies in a widget of ours: the window must know the actions for their keys to work everywhere.
    for (QAction* menu : m_top->menus().actions()) {
        for (QAction* action : menu->menu()->actions())
            addAction(action);
    }
}

void MainWindow::buildFileMenu() {
    QMenu* menu = m_top->menus().addMenu(tr("&File"));
    menu->addAction(tr("&Open session…"), QKeySequence::Open, this, &MainWindow::chooseSession);
    m_recent = menu->addMenu(tr("Open &recent"));
    connect(m_recent, &QMenu::aboutToShow, this, &MainWindow::fillRecent);
    menu->addAction(tr("Open &model…"), QKeySequence(u"Ctrl+M"_s), this, &MainWindow::chooseModel);
    menu->addAction(tr("&New session"), QKeySequence::New, &m_commands, &Commands::newSessionRequested);
    menu->addSeparator();
    menu->addAction(tr("Save &picture of the window…"), QKeySequence(u"Ctrl+Shift+P"_s), this, &MainWindow::savePicture);
    menu->addSeparator();
    menu->addAction(tr("&Quit"), QKeySequence::Quit, this, &QWidget::close);
}

void MainWindow::buildRunMenu() {
    QMenu* menu = m_top->menus().addMenu(tr("&Run"));
    menu->addAction(withKey(tr("&Stop the answer"), u"Esc"_s), &m_docks->chat(), &ChatPanel::stop);
    QAction* pause = menu->addAction(tr("&Hold the engine"), QKeySequence(u"Ctrl+H"_s));
    pause->setCheckable(true);
    connect(pause, &QAction::toggled, &m_commands, &Commands::pauseRequested);
    menu->addAction(tr("Go to the &live session"), QKeySequence(u"Ctrl+L"_s), this, &MainWindow::goLive);
    menu->addAction(tr("Record in another &folder…"), this, &MainWindow::chooseRecordingFolder);
    menu->addSeparator();
    TransportBar* transport = &m_top->transport();
    menu->addAction(withKey(tr("&Play or pause"), u"Space"_s), transport, &TransportBar::togglePlay);
    menu->addAction(withKey(tr("One token &back"), u"Left"_s), transport, &TransportBar::stepBack);
    menu->addAction(withKey(tr("One token &on"), u"Right"_s), transport, &TransportBar::stepForward);
    menu->addAction(withKey(tr("To the &start"), u"Home"_s), transport, &TransportBar::toStart);
    menu->addAction(withKey(tr("To the &end and follow"), u"End, F"_s), transport, &TransportBar::toEnd);
    menu->addSeparator();
    menu->addAction(tr("Restart the en&gine"), QKeySequence(u"Ctrl+R"_s), &m_commands, &Commands::restartRequested);
}

void MainWindow::buildViewMenu() {
    QMenu* menu = m_top->menus().addMenu(tr("&View"));
    int number = 1;
    for (DockPanel* dock : m_docks->all()) {
        const QKeySequence key(number <= 10 ? u"Ctrl+%1"_s.arg(number % 10) : u"Alt+%1"_s.arg(number - 10));
        ++number;
        QAction* action = menu->addAction(dock->windowTitle(), key, dock, &DockPanel::focusPanel);
        connect(dock, &QWidget::windowTitleChanged, action, &QAction::setText);
    }
    menu->addSeparator();
    QMenu* shown = menu->addMenu(tr("&Shown panels"));
    for (DockPanel* dock : m_docks->all())
        shown->addAction(dock->toggleViewAction());
    buildThemeMenu(*menu);
    menu->addAction(tr("&Reset layout"), QKeySequence(u"Ctrl+Shift+R"_s), this, &MainWindow::resetLayout);
    QAction* full = menu->addAction(tr("&Full screen"), QKeySequence(Qt::Key_F11));
    full->setCheckable(true);
    connect(full, &QAction::toggled, this, [this](bool on) { on ? showFullScreen() : showNormal(); });
}

void MainWindow::buildThemeMenu(QMenu& view) {
    QMenu* menu = view.addMenu(tr("&Theme"));
    auto* group = new QActionGroup(menu);
    const auto add = [&](const QString& text, Theme::Mode mode) {
        QAction* action = menu->addAction(text);
        action->setCheckable(true);
        action->setChecked(m_theme.mode() == mode);
        group->addAction(action);
        connect(action, &QAction::triggered, this, [this, mode] {
            m_theme.setMode(mode);
            m_store.setThemeMode(mode);
        });
    };
    add(tr("As the &system"), Theme::Mode::System);
    add(tr("&Light"), Theme::Mode::Light);
    add(tr("&Dark"), Theme::Mode::Dark);
}

void MainWindow::buildAnalyseMenu() {
    QMenu* menu = m_top->menus().addMenu(tr("&Analyse"));
    menu->addAction(tr("&Go to token…"), QKeySequence(u"Ctrl+G"_s), this, &MainWindow::goToToken);
    menu->addAction(tr("Select the &last answer"), QKeySequence(u"Ctrl+Shift+L"_s), this, &MainWindow::selectLastAnswer);
    menu->addAction(tr("&Clear the selection"), QKeySequence(u"Ctrl+D"_s), &m_selection, &Selection::clear);
    menu->addSeparator();
    QUndoStack& undo = m_docks->controls().undoStack();
    QAction* back = undo.createUndoAction(menu, tr("&Undo setting"));
    back->setShortcut(QKeySequence(u"Ctrl+Alt+Z"_s));
    QAction* again = undo.createRedoAction(menu, tr("&Redo setting"));
    again->setShortcut(QKeySequence(u"Ctrl+Alt+Y"_s));
    menu->addAction(back);
    menu->addAction(again);
    menu->addAction(tr("Copy settings as c&ommand line"), &m_docks->controls(), &ControlsPanel::copyCommandLine);
    menu->addSeparator();
    SimulatorPanel& simulator = m_docks->simulator();
    const QStringList words{tr("Si&mulate other settings"), tr("S&weep over a setting"), tr("Open the simulation as &session"),
                            tr("Copy the simulation as comma&nd line")};
    for (qsizetype i = 0; i < words.size(); ++i) {
        QAction* action = simulator.menuActions().at(i);
        action->setText(words.at(i));
        menu->addAction(action);
    }
}

void MainWindow::buildHelpMenu() {
    QMenu* menu = m_top->menus().addMenu(tr("&Help"));
    menu->addAction(tr("&Keyboard"), QKeySequence::HelpContents, this, &MainWindow::showKeys);
    menu->addAction(tr("&About Moescope"), this, &MainWindow::showAbout);
}

void MainWindow::fillRecent() {
    m_recent->clear();
    const QStringList sessions = m_store.recentSessions();
    const QStringList models = m_store.recentModels();
    for (const QStringList& paths : {sessions, models}) {
        for (const QString& path : paths)
            m_recent->addAction(QFileInfo(path).fileName(), this, [this, path] { openPath(path); })->setToolTip(path);
        if (!paths.isEmpty())
            m_recent->addSeparator();
    }
    if (sessions.isEmpty() && models.isEmpty())
        m_recent->addAction(tr("nothing yet"))->setEnabled(false);
    else
        m_recent->addAction(tr("Forget these"), this, [this] { m_store.forgetRecent(); });
}

void MainWindow::chooseSession() {
    const QString path = QFileDialog::getOpenFileName(this, tr("Open session"), m_sessionsFolder,
                                                      tr("Moescope sessions (*.moescope);;All files (*)"));
    if (!path.isEmpty())
        openSession(path);
}

void MainWindow::chooseModel() {
    const QString path = QFileDialog::getOpenFileName(this, tr("Open model"), {}, tr("GGUF models (*.gguf);;All files (*)"));
    if (!path.isEmpty())
        openPath(path);
}

void MainWindow::chooseRecordingFolder() {
    const QString folder = QFileDialog::getExistingDirectory(this, tr("Record in this folder"), m_sessionsFolder);
    if (!folder.isEmpty())
        Q_EMIT m_commands.recordingFolderRequested(folder);
}

void MainWindow::savePicture() {
    const QPixmap picture = grab();
    const QString path = QFileDialog::getSaveFileName(this, tr("Save picture"), u"moescope.png"_s, tr("PNG (*.png)"));
    if (!path.isEmpty() && !picture.save(path))
        showMessage(Banner::Kind::Warning, tr("%1 could not be written.").arg(path));
}

void MainWindow::goToToken() {
    const auto snapshot = m_feed.snapshot();
    const int count = static_cast<int>(snapshot->tokens.size());
    if (count == 0)
        return;
    bool accepted = false;
    const int token = QInputDialog::getInt(this, tr("Go to token"), tr("Token, 0 to %1").arg(count - 1), count - 1, 0,
                                           count - 1, 1, &accepted);
    if (!accepted)
        return;
    Selection::Target target = m_selection.chosen();
    target.token = trace::TokenIndex(token);
    m_selection.choose(target);
}

void MainWindow::selectLastAnswer() {
    const auto snapshot = m_feed.snapshot();
    if (snapshot->turns.empty())
        return;
    const analysis::TurnRecord& turn = snapshot->turns.back();
    m_selection.setTimeRange(Selection::TimeRange{turn.began, turn.ended >= 0 ? turn.ended : snapshot->now});
}

void MainWindow::showKeys() {
    QMessageBox::information(
        this, tr("Keyboard"),
        tr("Enter sends, Shift+Enter breaks the line, Esc stops the answer.\n"
           "Space plays or pauses, Left and Right step by a token, Home and End go to the ends, F follows.\n"
           "Ctrl+1 … Ctrl+0 and Alt+1 go to the panels, Tab to what is in them.\n"
           "In a plot: arrows step, wheel zooms at the pointer, drag pans, Shift+drag selects a range, double "
           "click resets.\n"
           "Ctrl+G goes to a token, Ctrl+D clears the selection, Ctrl+L goes to the live session.\n"
           "Ctrl+Enter simulates other settings, Ctrl+Shift+Enter sweeps, Ctrl+Shift+O opens the simulation as a session."));
}

void MainWindow::showAbout() {
    QMessageBox::about(
        this, tr("About Moescope"),
        tr("Moescope %1\n\nRuns a Mixture-of-Experts model, shows every expert that moves, and keeps the run as one "
           "file.\n\nSources: Apache-2.0. This program as built, with QCustomPlot: GPL-3.0-or-later.")
            .arg(QApplication::applicationVersion()));
}

} // namespace moescope::ui

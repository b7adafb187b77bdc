#pragma once
#include "ui/commands.h"
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QList>
#include <QString>

class QMainWindow;

namespace moescope::ui {

class ChatPanel;
class ControlsPanel;
class DockPanel;
class SessionsPanel;
class SimulatorPanel;

/// Builds the panels, puts each into a dock, and arranges the docks. Owned by MainWindow; GUI thread.
class WindowDocks : public QObject {
    Q_OBJECT
public:
    WindowDocks(QMainWindow& window, SessionFeed& feed, Selection& selection, Commands& commands, const Theme& theme);

    ChatPanel& chat() const { return *m_chat; }
    ControlsPanel& controls() const { return *m_controls; }
    SessionsPanel& sessions() const { return *m_sessions; }
    SimulatorPanel& simulator() const { return *m_simulator; }
    /// In the order of the keyboard: Ctrl+1 … Ctrl+9, Ctrl+0, then Alt+1 ….
    const QList<DockPanel*>& all() const { return m_docks; }
    DockPanel* dock(const QString& name) const;

    /// As in design/visual.md.
    void arrangeWide();
    /// Puts docks that a saved layout did not know where arrangeWide() has them, behind what is in front there.
    void placeNew(const QStringList& known);
    /// For windows under 1280 × 800: three tab groups.
    void arrangeCompact();
    /// Docks in a tab group leave the title to the tab.
    void refreshTabs();

private:
    template <class Panel>
    Panel* add(const QString& name, Panel* panel, const Theme& theme);
    void takeAll();
    DockPanel* frontOfGroup(DockPanel* member) const;

    QMainWindow& m_window;
    QList<DockPanel*> m_docks;
    ChatPanel* m_chat = nullptr;
    ControlsPanel* m_controls = nullptr;
    SessionsPanel* m_sessions = nullptr;
    SimulatorPanel* m_simulator = nullptr;
};

} // namespace moescope::ui

#include "ui/window_docks.h"

#include "ui/cache/cache_panel.h"
#include "ui/chat/chat_panel.h"
#include "ui/controls/controls_panel.h"
#include "ui/dock_panel.h"
#include "ui/experts/experts_panel.h"
#include "ui/gating/gating_panel.h"
#include "ui/selected/selected_panel.h"
#include "ui/sessions/sessions_panel.h"
#include "ui/simulator/simulator_panel.h"
#include "ui/stats/stats_panel.h"
#include "ui/timeline/timeline_panel.h"
#include "ui/tokens/tokens_panel.h"

#include <QMainWindow>
#include <QTabBar>
#include <QTimer>

using namespace Qt::StringLiterals;

namespace moescope::ui {

template <class Panel>
Panel* WindowDocks::add(const QString& name, Panel* panel, const Theme& theme) {
    auto* dock = new DockPanel(name, panel, theme, &m_window);
    connect(panel, &Panel::captionChanged, dock, &DockPanel::setCaption);
    const auto later = [this] { QTimer::singleShot(0, this, &WindowDocks::refreshTabs); };
    connect(dock, &QDockWidget::dockLocationChanged, this, later);
    connect(dock, &QDockWidget::topLevelChanged, this, later);
    connect(dock, &QDockWidget::visibilityChanged, this, later);
    m_docks << dock;
    return panel;
}

WindowDocks::WindowDocks(QMainWindow& window, SessionFeed& feed, Selection& selection, Commands& commands, const Theme& theme)
    : QObject(&window), m_window(window) {
    m_window.setDockNestingEnabled(true);
    m_window.setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
    m_window.setDockOptions(QMainWindow::AllowNestedDocks | QMainWindow::AllowTabbedDocks | QMainWindow::GroupedDragging);
    m_chat = add(u"chat"_s, new ChatPanel(feed, selection, commands, theme), theme);
    add(u"experts"_s, new ExpertsPanel(feed, selection, theme), theme);
    add(u"cache"_s, new CachePanel(feed, selection, theme), theme);
    add(u"timeline"_s, new TimelinePanel(feed, selection, theme), theme);
    add(u"tokens"_s, new TokensPanel(feed, selection, theme), theme);
    add(u"statistics"_s, new StatsPanel(feed, selection, theme), theme);
    m_sessions = add(u"sessions"_s, new SessionsPanel(feed, selection, theme), theme);
    m_controls = add(u"controls"_s, new ControlsPanel(feed, selection, commands, theme), theme);
    add(u"gating"_s, new GatingPanel(feed, selection, commands, theme), theme);
    add(u"selected"_s, new SelectedPanel(feed, selection, theme), theme);
    m_simulator = add(u"simulator"_s, new SimulatorPanel(feed, selection, theme), theme);
    arrangeWide();
}

DockPanel* WindowDocks::dock(const QString& name) const {
    for (DockPanel* dock : m_docks) {
        if (dock->objectName() == name)
            return dock;
    }
    return nullptr;
}

void WindowDocks::takeAll() {
    for (DockPanel* dock : std::as_const(m_docks)) {
        dock->setFloating(false);
        m_window.removeDockWidget(dock);
    }
}

void WindowDocks::arrangeWide() {
    takeAll();
    const auto split = [this](const QString& from, const QString& name, Qt::Orientation orientation) {
        if (DockPanel* added = dock(name))
            m_window.splitDockWidget(dock(from), added, orientation);
    };
    const auto tabify = [this](const QString& under, const QString& name) {
        if (DockPanel* added = dock(name))
            m_window.tabifyDockWidget(dock(under), added);
    };
    m_window.addDockWidget(Qt::LeftDockWidgetArea, dock(u"chat"_s));
    split(u"chat"_s, u"experts"_s, Qt::Horizontal);
    split(u"experts"_s, u"controls"_s, Qt::Horizontal);
    split(u"experts"_s, u"timeline"_s, Qt::Vertical);
    split(u"timeline"_s, u"tokens"_s, Qt::Vertical);
    split(u"experts"_s, u"cache"_s, Qt::Horizontal);
    tabify(u"tokens"_s, u"statistics"_s);
    tabify(u"tokens"_s, u"simulator"_s);
    tabify(u"tokens"_s, u"sessions"_s);
    split(u"controls"_s, u"gating"_s, Qt::Vertical);
    split(dock(u"gating"_s) ? u"gating"_s : u"controls"_s, u"selected"_s, Qt::Vertical);
    for (DockPanel* dock : std::as_const(m_docks))
        dock->show();
    dock(u"tokens"_s)->raise();
    // Shares of the sketch's 1440 × 900.
    m_window.resizeDocks({dock(u"chat"_s), dock(u"experts"_s), dock(u"controls"_s)}, {345, 781, 285}, Qt::Horizontal);
    m_window.resizeDocks({dock(u"experts"_s), dock(u"cache"_s)}, {402, 372}, Qt::Horizontal);
    m_window.resizeDocks({dock(u"experts"_s), dock(u"timeline"_s), dock(u"tokens"_s)}, {287, 300, 210}, Qt::Vertical);
    QList<QDockWidget*> right{dock(u"controls"_s)};
    QList<int> heights{352};
    if (DockPanel* gating = dock(u"gating"_s)) {
        right << gating;
        heights << 270;
    }
    if (DockPanel* selected = dock(u"selected"_s)) {
        right << selected;
        heights << 170;
    }
    m_window.resizeDocks(right, heights, Qt::Vertical);
    refreshTabs();
}

DockPanel* WindowDocks::frontOfGroup(DockPanel* member) const {
    for (const QTabBar* bar : m_window.findChildren<QTabBar*>(QString(), Qt::FindDirectChildrenOnly))
        for (int tab = 0; tab < bar->count(); ++tab)
            if (bar->tabText(tab) == member->windowTitle())
                for (DockPanel* dock : m_docks)
                    if (dock->windowTitle() == bar->tabText(bar->currentIndex()))
                        return dock;
    return member;
}

void WindowDocks::placeNew(const QStringList& known) {
    DockPanel* tokens = dock(u"tokens"_s);
    DockPanel* front = frontOfGroup(tokens);
    for (DockPanel* fresh : std::as_const(m_docks)) {
        if (known.contains(fresh->objectName()))
            continue;
        m_window.removeDockWidget(fresh);
        m_window.tabifyDockWidget(tokens, fresh);
        fresh->show();
        QTimer::singleShot(0, front, &QWidget::raise); // a tab can come to the front only once it is there
    }
}

void WindowDocks::arrangeCompact() {
    takeAll();
    m_window.addDockWidget(Qt::LeftDockWidgetArea, dock(u"chat"_s));
    m_window.splitDockWidget(dock(u"chat"_s), dock(u"timeline"_s), Qt::Horizontal);
    for (const QString& name : {u"experts"_s, u"cache"_s, u"tokens"_s, u"statistics"_s, u"simulator"_s, u"sessions"_s}) {
        if (DockPanel* added = dock(name))
            m_window.tabifyDockWidget(dock(u"timeline"_s), added);
    }
    for (const QString& name : {u"controls"_s, u"gating"_s, u"selected"_s}) {
        if (DockPanel* added = dock(name))
            m_window.tabifyDockWidget(dock(u"chat"_s), added);
    }
    for (DockPanel* dock : std::as_const(m_docks))
        dock->show();
    QTimer::singleShot(0, this, [this] { // a tab can come to the front only once it is there
        dock(u"chat"_s)->raise();
        dock(u"experts"_s)->raise();
    });
    m_window.resizeDocks({dock(u"chat"_s), dock(u"timeline"_s)}, {360, 640}, Qt::Horizontal);
    refreshTabs();
}

void WindowDocks::refreshTabs() {
    for (DockPanel* dock : std::as_const(m_docks))
        dock->setTabbed(!dock->isFloating() && !m_window.tabifiedDockWidgets(dock).isEmpty());
    for (QTabBar* bar : m_window.findChildren<QTabBar*>(QString(), Qt::FindDirectChildrenOnly)) {
        bar->setDrawBase(false);
        bar->setExpanding(false);
        bar->setDocumentMode(true);
    }
}

} // namespace moescope::ui

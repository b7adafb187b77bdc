#include "ui/main_window.h"

#include "ui/chat/chat_panel.h"
#include "ui/chat/sampling_row.h"
#include "ui/controls/controls_panel.h"
#include "ui/dock_panel.h"
#include "ui/scrub_bar.h"
#include "ui/sessions/sessions_panel.h"
#include "ui/simulator/simulator_panel.h"
#include "ui/status_line.h"
#include "ui/top_bar.h"
#include "ui/transport_bar.h"

#include <QDragEnterEvent>
#include <QKeyEvent>
#include <QMimeData>
#include <QPainter>
#include <QStatusBar>
#include <QTimer>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {

constexpr QSize kWide(1280, 800);
constexpr QSize kLeast(860, 560);

bool isSession(const QString& path) {
    return path.endsWith(u".moescope"_s, Qt::CaseInsensitive);
}
bool isModel(const QString& path) {
    return path.endsWith(u".gguf"_s, Qt::CaseInsensitive);
}

QString droppedPath(const QMimeData& mime) {
    for (const QUrl& url : mime.urls()) {
        QString path = url.toLocalFile();
        if (isSession(path) || isModel(path))
            return path;
    }
    return {};
}

} // namespace

MainWindow::MainWindow(SessionFeed& feed, Selection& selection, Commands& commands, Theme& theme, SettingsStore& store)
    : m_feed(feed), m_selection(selection), m_commands(commands), m_theme(theme), m_store(store) {
    setWindowTitle(tr("Moescope"));
    setAcceptDrops(true);
    setMinimumSize(kLeast);
    buildFrame();
    m_docks = new WindowDocks(*this, feed, selection, commands, theme);
    m_docks->chat().sampling().setChoice(store.sampling());
    m_docks->chat().sampling().setSystemPrompt(store.systemPrompt());
    buildMenus();
    connectParts();
    resize(1440, 900);
    if (const QByteArray geometry = store.windowGeometry(); !geometry.isEmpty())
        restoreGeometry(geometry);
}

MainWindow::~MainWindow() = default;

void MainWindow::buildFrame() {
    auto* head = new QWidget(this);
    auto* column = new QVBoxLayout(head);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(4);
    m_top = new TopBar(m_feed, m_theme, head);
    m_scrub = new ScrubBar(m_feed, m_theme, head);
    m_banner = new Banner(m_theme, head);
    auto* bannerRow = new QVBoxLayout;
    bannerRow->setContentsMargins(8, 0, 8, 0);
    bannerRow->addWidget(m_banner);
    column->addWidget(m_top);
    column->addLayout(bannerRow);
    column->addWidget(m_scrub);
    setMenuWidget(head);
    m_status = new StatusLine(m_feed, m_theme, this);
    auto* bar = new QStatusBar(this);
    bar->setSizeGripEnabled(false);
    bar->setContentsMargins(0, 0, 0, 0);
    bar->addPermanentWidget(m_status, 1);
    setStatusBar(bar);
    setContentsMargins(8, 0, 8, 0);
}

void MainWindow::connectParts() {
    connect(&m_feed, &SessionFeed::failed, this,
            [this](const QString& sentence) { showMessage(Banner::Kind::Warning, sentence); });
    connect(&m_feed, &SessionFeed::opened, this, [this](const QString& path) {
        m_selection.clear();
        if (path != m_liveSession)
            m_store.addRecentSession(path);
    });
    connect(&m_docks->sessions(), &SessionsPanel::openRequested, this, &MainWindow::openSession);
    connect(&m_docks->sessions(), &SessionsPanel::messageRaised, this,
            [this](const QString& text) { showMessage(Banner::Kind::Warning, text); });
    connect(&m_docks->simulator(), &SimulatorPanel::openRequested, this, &MainWindow::openSession);
    connect(&m_docks->controls(), &ControlsPanel::restartWanted, this, &MainWindow::askForRestart);
    connect(&m_docks->chat(), &ChatPanel::liveSessionWanted, this, &MainWindow::goLive);
    SamplingRow& sampling = m_docks->chat().sampling();
    connect(&sampling, &SamplingRow::changed, this,
            [this, &sampling] { m_store.setSampling(sampling.choice(), sampling.systemPrompt()); });
}

void MainWindow::setFolders(const QString& sessions, const QString& samples) {
    m_sessionsFolder = sessions;
    m_docks->sessions().setFolders(sessions, samples);
    m_docks->simulator().setFolder(sessions);
}

void MainWindow::setEngine(const EngineState& state) {
    m_engine = state;
    tellPanels();
}

void MainWindow::setLiveSession(const QString& path) {
    const bool wasThere = m_shown.isEmpty() || m_shown == m_liveSession;
    m_liveSession = path;
    tellPanels();
    if (!path.isEmpty() && wasThere)
        openSession(path);
}

void MainWindow::tellPanels() {
    const bool ready = m_engine.phase == EngineState::Phase::Ready;
    m_status->setEngine(m_engine);
    m_status->setLiveSession(m_liveSession);
    m_top->setLiveSession(m_liveSession);
    m_docks->chat().setEngine(ready, m_liveSession);
    m_docks->controls().setEngine(ready, m_liveSession);
    m_docks->sessions().setLiveSession(m_liveSession);
}

void MainWindow::showMessage(Banner::Kind kind, const QString& text, const QString& action, std::function<void()> act) {
    m_banner->showMessage(kind, text, action, std::move(act));
}

void MainWindow::showRecordingPaused(const QString& reason) {
    showMessage(Banner::Kind::Warning, tr("Recording is paused: %1 What was recorded stays readable.").arg(reason),
                tr("Choose folder…"), [this] { chooseRecordingFolder(); });
}

void MainWindow::askForRestart(const QString& name, const QString& value, const QString& words) {
    showMessage(Banner::Kind::Warning,
                tr("%1 takes a new start of the engine: the session ends, and the model is loaded again.").arg(words),
                tr("Restart the engine"), [this, name, value] { Q_EMIT m_commands.engineOptionRequested(name, value); });
}

void MainWindow::openSession(const QString& path) {
    m_shown = path;
    m_feed.open(path);
}

void MainWindow::openPath(const QString& path) {
    if (!isModel(path)) {
        openSession(path);
        return;
    }
    m_store.addRecentModel(path);
    Q_EMIT m_commands.modelRequested(path);
}

void MainWindow::goLive() {
    if (!m_liveSession.isEmpty() && QString::fromStdString(m_feed.snapshot()->file) != m_liveSession)
        openSession(m_liveSession);
    m_feed.setFollow(true);
}

void MainWindow::resetLayout() {
    m_store.forgetLayout();
    m_wideLayout.clear();
    m_compact = false;
    m_docks->arrangeWide();
    fitLayout();
}

void MainWindow::fitLayout() {
    const bool small = width() < kWide.width() || height() < kWide.height();
    if (small == m_compact)
        return;
    m_compact = small;
    if (small) {
        m_wideLayout = saveState(SettingsStore::kLayoutVersion);
        m_docks->arrangeCompact();
    } else if (m_wideLayout.isEmpty() || !restoreState(m_wideLayout, SettingsStore::kLayoutVersion)) {
        m_docks->arrangeWide();
    }
    m_docks->refreshTabs();
}

void MainWindow::showEvent(QShowEvent* event) {
    QMainWindow::showEvent(event);
    if (std::exchange(m_restored, true))
        return;
    const QByteArray layout = m_store.windowLayout();
    if (layout.isEmpty() || !restoreState(layout, SettingsStore::kLayoutVersion))
        m_docks->arrangeWide(); // sizes are known only now
    else
        m_docks->placeNew(m_store.layoutPanels());
    fitLayout();
    m_docks->refreshTabs();
    m_docks->dock(u"chat"_s)->focusPanel();
}

void MainWindow::resizeEvent(QResizeEvent* event) {
    QMainWindow::resizeEvent(event);
    if (m_restored)
        QTimer::singleShot(0, this, &MainWindow::fitLayout); // not while the layout is being made
}

void MainWindow::closeEvent(QCloseEvent* event) {
    QStringList panels;
    for (const DockPanel* dock : m_docks->all())
        panels << dock->objectName();
    m_store.setWindow(saveGeometry(), m_compact ? m_wideLayout : saveState(SettingsStore::kLayoutVersion), panels);
    QMainWindow::closeEvent(event);
}

void MainWindow::paintEvent(QPaintEvent* event) {
    QMainWindow::paintEvent(event);
    // The margins beside the docks would cut head and foot short.
    QPainter painter(this);
    const int head = m_top->mapTo(this, QPoint(0, m_top->height())).y();
    const int foot = m_status->mapTo(this, QPoint(0, 0)).y();
    painter.fillRect(0, 0, width(), head, m_theme.colour(Theme::Role::Panel));
    painter.fillRect(0, foot, width(), height() - foot, m_theme.colour(Theme::Role::Panel));
    painter.setPen(m_theme.colour(Theme::Role::Line));
    painter.drawLine(0, head - 1, width(), head - 1);
    painter.drawLine(0, foot, width(), foot);
}

void MainWindow::keyPressEvent(QKeyEvent* event) {
    // Reached only by keys that the focused widget did not want: text and sliders keep their own arrows.
    TransportBar& transport = m_top->transport();
    switch (event->key()) {
    case Qt::Key_Space:
        transport.togglePlay();
        break;
    case Qt::Key_Left:
        transport.stepBack();
        break;
    case Qt::Key_Right:
        transport.stepForward();
        break;
    case Qt::Key_Home:
        transport.toStart();
        break;
    case Qt::Key_End:
        transport.toEnd();
        break;
    case Qt::Key_F:
        transport.setFollow();
        break;
    case Qt::Key_Escape:
        m_docks->chat().answering() ? m_docks->chat().stop() : m_selection.clear();
        break;
    default:
        QMainWindow::keyPressEvent(event);
        return;
    }
    event->accept();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
    if (!droppedPath(*event->mimeData()).isEmpty())
        event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
    const QString path = droppedPath(*event->mimeData());
    if (path.isEmpty())
        return;
    event->acceptProposedAction();
    openPath(path);
}

} // namespace moescope::ui

#include "ui/sessions/sessions_panel.h"

#include "profiler/session/session_reader.h"
#include "ui/background_task.h"
#include "ui/sessions/sessions_model.h"

#include <QBoxLayout>
#include <QDesktopServices>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QFileSystemWatcher>
#include <QHeaderView>
#include <QInputDialog>
#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QSortFilterProxyModel>
#include <QTableView>
#include <QTimer>
#include <QUrl>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {

const QString kExtension = u".moescope"_s;

QString verified(const QString& path) {
    try {
        session::SessionReader reader(QFile::encodeName(path).toStdString());
        const std::vector<std::string> complaints = reader.verify();
        if (complaints.empty())
            return SessionsPanel::tr("%1 is sound.").arg(QFileInfo(path).fileName());
        return SessionsPanel::tr("%1 has %2 faults; the first: %3")
            .arg(QFileInfo(path).fileName())
            .arg(complaints.size())
            .arg(QString::fromStdString(complaints.front()));
    } catch (const std::exception& problem) {
        return QString::fromUtf8(problem.what());
    }
}

} // namespace

SessionsPanel::SessionsPanel(SessionFeed& feed, Selection&, const Theme&, QWidget* parent)
    : QWidget(parent), m_feed(feed), m_model(new SessionsModel(this)), m_sorted(new QSortFilterProxyModel(this)),
      m_table(new QTableView(this)), m_empty(new QLabel(this)), m_watcher(new QFileSystemWatcher(this)),
      m_rescan(new QTimer(this)) {
    setWindowTitle(tr("Sessions"));
    makeTable();
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(6);
    m_empty->setText(tr("Every run is kept here as one file. Send a message, or drop a .moescope file on the window."));
    m_empty->setAlignment(Qt::AlignCenter);
    m_empty->setWordWrap(true);
    m_empty->setProperty("muted", true);
    m_empty->setFocusPolicy(Qt::TabFocus); // so that keyboard and screen reader find the explanation
    column->addWidget(m_empty, 1);
    column->addWidget(m_table, 1);
    column->addWidget(makeActions());
    setFocusProxy(m_table);
    m_rescan->setSingleShot(true);
    m_rescan->setInterval(300);
    connect(m_rescan, &QTimer::timeout, this, &SessionsPanel::rescan);
    connect(m_watcher, &QFileSystemWatcher::directoryChanged, m_rescan, qOverload<>(&QTimer::start));
    connect(&feed, &SessionFeed::opened, this, &SessionsPanel::refreshCurrent);
    refreshActions();
}

void SessionsPanel::makeTable() {
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(SessionsModel::SortRole);
    m_table->setModel(m_sorted);
    m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->setAlternatingRowColors(false);
    m_table->setShowGrid(false);
    m_table->setTabKeyNavigation(false);
    m_table->setContextMenuPolicy(Qt::CustomContextMenu);
    m_table->verticalHeader()->hide();
    m_table->verticalHeader()->setDefaultSectionSize(24);
    m_table->horizontalHeader()->setHighlightSections(false);
    m_table->horizontalHeader()->setStretchLastSection(true);
    m_table->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    m_table->horizontalHeader()->setSortIndicatorClearable(true);
    m_table->horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
    m_table->setSortingEnabled(true);
    connect(m_table, &QTableView::activated, this, &SessionsPanel::openSelected);
    connect(m_table, &QTableView::customContextMenuRequested, this, &SessionsPanel::showMenu);
    connect(m_table->selectionModel(), &QItemSelectionModel::selectionChanged, this, &SessionsPanel::refreshActions);
    connect(m_model, &QAbstractItemModel::modelReset, this, &SessionsPanel::refreshActions);
}

QWidget* SessionsPanel::makeActions() {
    auto* holder = new QWidget(this);
    auto* row = new QHBoxLayout(holder);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(6);
    const auto add = [&](const QString& text, auto slot) {
        auto* button = new QPushButton(text, holder);
        row->addWidget(button);
        m_actions << button;
        connect(button, &QPushButton::clicked, this, slot);
    };
    add(tr("Open"), &SessionsPanel::openSelected);
    add(tr("Verify"), &SessionsPanel::verifySelected);
    add(tr("Rename…"), &SessionsPanel::renameSelected);
    add(tr("Move to trash"), &SessionsPanel::trashSelected);
    add(tr("Show in folder"), &SessionsPanel::revealSelected);
    row->addStretch(1);
    return holder;
}

void SessionsPanel::setFolders(const QString& sessions, const QString& samples) {
    m_folder = sessions;
    m_samples = samples;
    if (!m_watcher->directories().isEmpty())
        m_watcher->removePaths(m_watcher->directories());
    for (const QString& folder : {sessions, samples}) {
        if (!folder.isEmpty() && QDir(folder).exists())
            m_watcher->addPath(folder);
    }
    rescan();
}

void SessionsPanel::setLiveSession(const QString& path) {
    m_live = path;
    refreshCurrent();
    rescan();
}

void SessionsPanel::refreshCurrent() {
    m_model->setCurrent(QString::fromStdString(m_feed.snapshot()->file), m_live);
}

void SessionsPanel::rescan() {
    if (m_scanning) {
        m_again = true;
        return;
    }
    m_scanning = true;
    const QList<SessionEntry> known = m_model->entries();
    inBackground(
        *this,
        [folder = m_folder, samples = m_samples, known] {
            QList<SessionEntry> entries;
            if (!samples.isEmpty())
                entries = scanSessions(samples, true, known);
            if (!folder.isEmpty() && folder != samples)
                entries += scanSessions(folder, false, known);
            return entries;
        },
        [this](const QList<SessionEntry>& entries) {
            m_scanning = false;
            const QString selected = selectedPath();
            m_model->setEntries(entries);
            for (int row = 0; row < m_sorted->rowCount(); ++row) {
                if (m_sorted->index(row, 0).data(SessionsModel::PathRole).toString() == selected)
                    m_table->selectRow(row);
            }
            if (entries.size() > 0 && m_table->columnWidth(0) < 150)
                m_table->resizeColumnsToContents();
            refreshCurrent();
            Q_EMIT captionChanged(tr("%1 sessions").arg(entries.size()));
            if (std::exchange(m_again, false))
                m_rescan->start();
        });
}

QString SessionsPanel::selectedPath() const {
    const QModelIndexList rows = m_table->selectionModel()->selectedRows();
    return rows.isEmpty() ? QString() : rows.front().data(SessionsModel::PathRole).toString();
}

void SessionsPanel::refreshActions() {
    const QString path = selectedPath();
    const bool any = !path.isEmpty();
    bool sample = false;
    for (const SessionEntry& entry : m_model->entries())
        sample = sample || (entry.path == path && entry.sample);
    for (QPushButton* button : std::as_const(m_actions))
        button->setEnabled(any);
    const bool own = any && !sample && path != m_live;
    m_actions[2]->setEnabled(own);
    m_actions[3]->setEnabled(own);
    m_actions[2]->setToolTip(sample ? tr("Samples stay as they are") : QString());
    m_actions[3]->setToolTip(path == m_live ? tr("This session is being recorded") : m_actions[2]->toolTip());
    const bool empty = m_model->entries().isEmpty();
    m_table->setVisible(!empty);
    m_empty->setVisible(empty);
}

void SessionsPanel::showMenu(const QPoint& at) {
    if (selectedPath().isEmpty())
        return;
    QMenu menu(this);
    for (QPushButton* button : std::as_const(m_actions)) {
        QAction* action = menu.addAction(button->text(), button, &QPushButton::click);
        action->setEnabled(button->isEnabled());
    }
    menu.exec(m_table->viewport()->mapToGlobal(at));
}

void SessionsPanel::openSelected() {
    if (const QString path = selectedPath(); !path.isEmpty())
        Q_EMIT openRequested(path);
}

QString SessionsPanel::renameSession(const QString& path, const QString& name) {
    const QString bare = name.endsWith(kExtension) ? name.chopped(kExtension.size()) : name;
    if (bare.trimmed().isEmpty() || bare.contains(u'/'))
        return tr("“%1” cannot be a file name.").arg(name);
    const QString target = QFileInfo(path).dir().filePath(bare + kExtension);
    if (target == path)
        return {};
    if (QFileInfo::exists(target))
        return tr("%1 exists already.").arg(QFileInfo(target).fileName());
    if (QFileInfo(path + u"-wal"_s).size() > 0)
        return tr("%1 is not finished: its recent events lie in a second file. Open it once, then rename it.")
            .arg(QFileInfo(path).fileName());
    QFile file(path);
    return file.rename(target) ? QString() : tr("%1 cannot be renamed: %2.").arg(path, file.errorString());
}

void SessionsPanel::renameSelected() {
    const QString path = selectedPath();
    bool accepted = false;
    const QString name = QInputDialog::getText(this, tr("Rename session"), tr("Name"), QLineEdit::Normal,
                                               QFileInfo(path).completeBaseName(), &accepted);
    if (!accepted || path.isEmpty())
        return;
    if (const QString problem = renameSession(path, name); !problem.isEmpty())
        Q_EMIT messageRaised(problem);
    rescan();
}

void SessionsPanel::trashSelected() {
    const QString path = selectedPath();
    if (path.isEmpty())
        return;
    QFile file(path);
    if (!file.moveToTrash())
        Q_EMIT messageRaised(tr("%1 could not be moved to the trash: %2.").arg(path, file.errorString()));
    for (const QString& suffix : {u"-wal"_s, u"-shm"_s})
        QFile::moveToTrash(path + suffix);
    rescan();
}

void SessionsPanel::verifySelected() {
    const QString path = selectedPath();
    if (path.isEmpty())
        return;
    Q_EMIT captionChanged(tr("verifying %1…").arg(QFileInfo(path).fileName()));
    inBackground(
        *this, [path] { return verified(path); },
        [this](const QString& result) {
            Q_EMIT captionChanged(result);
            Q_EMIT messageRaised(result);
        });
}

void SessionsPanel::revealSelected() {
    if (const QString path = selectedPath(); !path.isEmpty())
        QDesktopServices::openUrl(QUrl::fromLocalFile(QFileInfo(path).absolutePath()));
}

} // namespace moescope::ui

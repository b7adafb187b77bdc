#pragma once
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QWidget>

class QFileSystemWatcher;
class QLabel;
class QPushButton;
class QSortFilterProxyModel;
class QTableView;
class QTimer;

namespace moescope::ui {

class SessionsModel;

/// The sessions folder and the samples: open, rename, delete to the trash, verify, reveal. Reads the files on a worker thread.
/// Owned by the main window; GUI thread.
class SessionsPanel : public QWidget {
    Q_OBJECT
public:
    SessionsPanel(SessionFeed& feed, Selection& selection, const Theme& theme, QWidget* parent = nullptr);

    /// Where sessions are kept, and where the samples lie (empty: none).
    void setFolders(const QString& sessions, const QString& samples);
    void setLiveSession(const QString& path);
    SessionsModel& model() const { return *m_model; }
    QTableView& table() const { return *m_table; }

    /// New file name in the same folder; returns the problem as a sentence, empty if done.
    static QString renameSession(const QString& path, const QString& name);

public Q_SLOTS:
    void rescan();

Q_SIGNALS:
    void captionChanged(const QString& caption);
    void openRequested(const QString& path);
    void messageRaised(const QString& text); ///< one sentence for the user

private:
    QWidget* makeActions();
    void makeTable();
    void showMenu(const QPoint& at);
    QString selectedPath() const;
    void openSelected();
    void renameSelected();
    void trashSelected();
    void verifySelected();
    void revealSelected();
    void refreshActions();
    void refreshCurrent();

    SessionFeed& m_feed;
    SessionsModel* m_model = nullptr;
    QSortFilterProxyModel* m_sorted = nullptr;
    QTableView* m_table = nullptr;
    QLabel* m_empty = nullptr;
    QList<QPushButton*> m_actions;
    QFileSystemWatcher* m_watcher = nullptr;
    QTimer* m_rescan = nullptr;
    QString m_folder;
    QString m_samples;
    QString m_live;
    bool m_scanning = false;
    bool m_again = false;
};

} // namespace moescope::ui

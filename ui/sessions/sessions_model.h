#pragma once
#include "ui/sessions/session_entry.h"

#include <QAbstractTableModel>

namespace moescope::ui {

/// The sessions as a table, samples first. Owned by SessionsPanel; GUI thread.
class SessionsModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Name, Model, Created, Tokens, Duration, Size, Kind, ColumnCount };
    enum Role { SortRole = Qt::UserRole, PathRole };
    using QAbstractTableModel::QAbstractTableModel;

    void setEntries(QList<SessionEntry> entries);
    const QList<SessionEntry>& entries() const { return m_entries; }
    const SessionEntry& entry(int row) const { return m_entries.at(row); }
    /// The session that is shown and the one that is recorded, both by path; either may be empty.
    void setCurrent(const QString& shown, const QString& live);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    QString text(const SessionEntry& entry, int column) const;
    QVariant sortKey(const SessionEntry& entry, int column) const;
    QString kindText(const SessionEntry& entry) const;

    QList<SessionEntry> m_entries;
    QString m_shown;
    QString m_live;
};

} // namespace moescope::ui

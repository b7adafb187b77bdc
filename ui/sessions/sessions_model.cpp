#include "ui/sessions/sessions_model.h"

#include "ui/format.h"

#include <QFileInfo>
#include <QFont>

using namespace Qt::StringLiterals;

namespace moescope::ui {

void SessionsModel::setEntries(QList<SessionEntry> entries) {
    if (entries == m_entries)
        return;
    beginResetModel();
    m_entries = std::move(entries);
    endResetModel();
}

void SessionsModel::setCurrent(const QString& shown, const QString& live) {
    if (shown == m_shown && live == m_live)
        return;
    m_shown = shown;
    m_live = live;
    if (!m_entries.isEmpty())
        Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
}

int SessionsModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_entries.size());
}

int SessionsModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant SessionsModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (role != Qt::DisplayRole || orientation != Qt::Horizontal)
        return {};
    switch (section) {
    case Name:
        return tr("Session");
    case Model:
        return tr("Model");
    case Created:
        return tr("Date");
    case Tokens:
        return tr("Tokens");
    case Duration:
        return tr("Duration");
    case Size:
        return tr("Size");
    case Kind:
        return tr("Kind");
    default:
        return {};
    }
}

QString SessionsModel::kindText(const SessionEntry& entry) const {
    if (!entry.problem.isEmpty())
        return tr("cannot be opened");
    QStringList parts;
    if (entry.path == m_live)
        parts << tr("recording now");
    else if (entry.sample)
        parts << tr("sample");
    else
        parts << entry.origin;
    if (!entry.finished && entry.path != m_live)
        parts << tr("not finished");
    if (entry.emulated)
        parts << tr("emulated link %1").arg(entry.link);
    return parts.join(u", "_s);
}

QString SessionsModel::text(const SessionEntry& entry, int column) const {
    const bool sound = entry.problem.isEmpty();
    switch (column) {
    case Name:
        return QFileInfo(entry.path).completeBaseName();
    case Model:
        return entry.model;
    case Created:
        return sound ? entry.created : entry.modified.toString(u"yyyy-MM-dd hh:mm"_s);
    case Tokens:
        return sound ? format::count(entry.tokens) : QString();
    case Duration:
        return sound ? format::clock(entry.durationNs) : QString();
    case Size:
        return format::bytes(entry.bytes);
    case Kind:
        return kindText(entry);
    default:
        return {};
    }
}

QVariant SessionsModel::sortKey(const SessionEntry& entry, int column) const {
    switch (column) {
    case Tokens:
        return entry.tokens;
    case Duration:
        return entry.durationNs;
    case Size:
        return entry.bytes;
    default:
        return text(entry, column);
    }
}

QVariant SessionsModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid))
        return {};
    const SessionEntry& entry = m_entries.at(index.row());
    const bool number = index.column() == Tokens || index.column() == Duration || index.column() == Size;
    switch (role) {
    case Qt::DisplayRole:
        return text(entry, index.column());
    case Qt::ToolTipRole:
        return entry.problem.isEmpty() ? entry.path : entry.problem;
    case Qt::TextAlignmentRole:
        return int(Qt::AlignVCenter | (number ? Qt::AlignRight : Qt::AlignLeft));
    case Qt::FontRole: {
        QFont font;
        font.setBold(entry.path == m_shown);
        return font;
    }
    case SortRole:
        return sortKey(entry, index.column());
    case PathRole:
        return entry.path;
    default:
        return {};
    }
}

} // namespace moescope::ui

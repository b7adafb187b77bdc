#include "ui/tokens/tokens_model.h"

#include "ui/format.h"
#include "ui/plot/pass_lookup.h"

#include <algorithm>

namespace moescope::ui {

QString tokenPartName(TokenPart part) {
    switch (part) {
    case TokenPart::Attention:
        return QObject::tr("attention");
    case TokenPart::Router:
        return QObject::tr("router");
    case TokenPart::Experts:
        return QObject::tr("experts");
    case TokenPart::Stall:
        return QObject::tr("exposed transfer");
    case TokenPart::Output:
        return QObject::tr("output, sampler");
    case TokenPart::Other:
        return QObject::tr("other");
    }
    return {};
}

TokensModel::TokensModel(QObject* parent) : QAbstractTableModel(parent), m_snapshot(std::make_shared<analysis::Snapshot>()) {}

void TokensModel::show(analysis::SnapshotPtr snapshot, TokenOrder order) {
    std::vector<int> passes = orderedPasses(*snapshot, order);
    const bool grows = order == TokenOrder::Index && m_order == order && snapshot->file == m_snapshot->file &&
                       passes.size() >= m_passes.size();
    if (!grows) {
        beginResetModel();
        m_snapshot = std::move(snapshot);
        m_passes = std::move(passes);
        m_order = order;
        endResetModel();
        return;
    }
    const int before = rowCount();
    const int after = static_cast<int>(passes.size());
    if (after > before)
        beginInsertRows({}, before, after - 1);
    m_snapshot = std::move(snapshot);
    m_passes = std::move(passes);
    if (after > before)
        endInsertRows();
    if (before > 0) // the last pass may still have been growing
        Q_EMIT dataChanged(index(before - 1, 0), index(before - 1, columnCount() - 1));
}

int TokensModel::rowOf(int pass) const {
    if (m_order == TokenOrder::Index)
        return pass >= 0 && pass < rowCount() ? pass : -1;
    const auto at = std::find(m_passes.begin(), m_passes.end(), pass);
    return at == m_passes.end() ? -1 : static_cast<int>(at - m_passes.begin());
}

const analysis::PassRecord& TokensModel::pass(int row) const {
    return m_snapshot->passes[static_cast<std::size_t>(m_passes[static_cast<std::size_t>(row)])];
}

int TokensModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_passes.size());
}

int TokensModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : 8 + kTokenParts;
}

QVariant TokensModel::value(int row, int column, bool raw) const {
    const analysis::PassRecord& record = pass(row);
    const auto time = [raw](trace::TimeNs ns) {
        return raw ? QVariant(static_cast<double>(ns) / 1e6) : QVariant(QString::number(static_cast<double>(ns) / 1e6, 'f', 3));
    };
    if (column >= 3 && column < 3 + kTokenParts)
        return time(partsOf(record)[static_cast<std::size_t>(column - 3)]);
    switch (column) {
    case 0:
        return record.firstToken.value;
    case 1:
        return passText(*m_snapshot, record);
    case 2:
        return time(record.end - record.begin);
    case 3 + kTokenParts:
        return record.hits;
    case 4 + kTokenParts:
        return record.misses;
    case 5 + kTokenParts:
        return raw ? QVariant(static_cast<double>(record.bytesDemand + record.bytesPrefetch) / 1e6)
                   : QVariant(QString::number(static_cast<double>(record.bytesDemand + record.bytesPrefetch) / 1e6, 'f', 2));
    case 6 + kTokenParts:
        return QString::number(static_cast<double>(record.meanKept), 'f', 2);
    default:
        return record.tokens;
    }
}

QVariant TokensModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid())
        return {};
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>((index.column() == 1 ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    if (role != Qt::DisplayRole && role != Qt::EditRole)
        return {};
    return value(index.row(), index.column(), role == Qt::EditRole);
}

QVariant TokensModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (role != Qt::DisplayRole || orientation != Qt::Horizontal)
        return {};
    if (section >= 3 && section < 3 + kTokenParts)
        return tr("%1 (ms)").arg(tokenPartName(static_cast<TokenPart>(section - 3)));
    switch (section) {
    case 0:
        return tr("token");
    case 1:
        return tr("text");
    case 2:
        return tr("total (ms)");
    case 3 + kTokenParts:
        return tr("hits");
    case 4 + kTokenParts:
        return tr("misses");
    case 5 + kTokenParts:
        return tr("MB");
    case 6 + kTokenParts:
        return tr("experts per layer");
    default:
        return tr("tokens");
    }
}

} // namespace moescope::ui

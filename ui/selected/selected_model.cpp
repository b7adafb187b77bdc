#include "ui/selected/selected_model.h"

namespace moescope::ui {

SubjectKind subjectKind(const Selection::Target& target) {
    if (target.transferSeq)
        return SubjectKind::Transfer;
    if (target.expert)
        return SubjectKind::Expert;
    if (target.layer)
        return SubjectKind::Layer;
    return target.token ? SubjectKind::Token : SubjectKind::None;
}

const Selection::Target& subjectTarget(const Selection& selection) {
    return selection.hovered().empty() ? selection.chosen() : selection.hovered();
}

void SelectedModel::show(std::vector<SelectedRow> rows) {
    if (rows == m_rows)
        return;
    const bool reshaped = rows.size() != m_rows.size();
    if (reshaped)
        beginResetModel();
    m_rows = std::move(rows);
    if (reshaped)
        endResetModel();
    else
        Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, 1));
}

int SelectedModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int SelectedModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : 2;
}

QVariant SelectedModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid())
        return {};
    const SelectedRow& row = m_rows[static_cast<std::size_t>(index.row())];
    switch (role) {
    case Qt::DisplayRole:
    case Qt::EditRole:
        return index.column() == 0 ? row.name : row.value;
    case Qt::ToolTipRole:
        return row.meaning.isEmpty() ? row.value : row.meaning;
    case Qt::TextAlignmentRole:
        return static_cast<int>((index.column() == 0 ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    default:
        return {};
    }
}

QVariant SelectedModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (role != Qt::DisplayRole || orientation != Qt::Horizontal)
        return {};
    return section == 0 ? tr("what") : tr("value");
}

} // namespace moescope::ui

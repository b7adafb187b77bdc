#include "ui/simulator/result_model.h"

#include "ui/simulator/simulated_figures.h"

namespace moescope::ui {

void ResultModel::show(const simulate::Figures& recorded, const simulate::Figures& estimate, bool approximate,
                       const QString& caveat) {
    const bool first = empty();
    if (first)
        beginResetModel();
    m_recorded = recorded;
    m_estimate = estimate;
    m_approximate = approximate;
    m_caveat = caveat;
    if (first) {
        endResetModel();
        return;
    }
    Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
    Q_EMIT headerDataChanged(Qt::Horizontal, 0, ColumnCount - 1);
}

void ResultModel::clear() {
    if (empty())
        return;
    beginResetModel();
    m_estimate.reset();
    endResetModel();
}

int ResultModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() || empty() ? 0 : static_cast<int>(simulatedFigures().size());
}

int ResultModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant ResultModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || empty())
        return {};
    const SimulatedFigure& figure = simulatedFigures()[static_cast<std::size_t>(index.row())];
    if (role == Qt::ToolTipRole)
        return figure.meaning;
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>((index.column() == Name ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    if (role != Qt::DisplayRole && role != Qt::EditRole)
        return {};
    const double before = figure.of(m_recorded);
    const double after = figure.of(*m_estimate);
    const bool raw = role == Qt::EditRole;
    switch (index.column()) {
    case Name:
        return figure.name;
    case Recorded:
        return raw ? figure.raw(before) : figure.textOf(before);
    case Estimate:
        return raw ? figure.raw(after) : figure.textOf(after);
    default:
        if (raw)
            return before < 0 || after < 0 ? QVariant() : QVariant(after - before);
        return figure.change(before, after);
    }
}

QVariant ResultModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::ToolTipRole)
        return section == Estimate ? m_caveat : QString();
    if (role != Qt::DisplayRole)
        return {};
    switch (section) {
    case Name:
        return tr("figure");
    case Recorded:
        return tr("recorded");
    case Estimate:
        return m_approximate ? tr("approximate\nestimate") : tr("estimate");
    default:
        return tr("change");
    }
}

} // namespace moescope::ui

#include "ui/experts/experts_model.h"

#include "ui/format.h"

namespace moescope::ui {

using analysis::UsageValue;

QString usageText(double value, UsageValue kind) {
    switch (kind) {
    case UsageValue::Count:
    case UsageValue::Dropped:
        return format::count(static_cast<qint64>(value));
    case UsageValue::MeanWeight:
        return QString::number(value, 'f', 3);
    case UsageValue::Share:
        return QString::number(value * 100, 'f', value < 0.1 ? 1 : 0) + QStringLiteral(" %");
    }
    return {};
}

void ExpertsModel::setUsage(analysis::ExpertUsage usage, analysis::ExpertUsage totals, UsageValue kind) {
    const bool reshaped = usage.layers != m_usage.layers || usage.experts != m_usage.experts;
    if (reshaped)
        beginResetModel();
    m_usage = std::move(usage);
    m_totals = std::move(totals);
    m_kind = kind;
    if (reshaped)
        endResetModel();
    else if (rowCount() > 0)
        Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
}

int ExpertsModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() || m_usage.layers == 0 ? 0 : m_usage.layers + 1;
}

int ExpertsModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() || m_usage.layers == 0 ? 0 : m_usage.experts + 3;
}

QVariant ExpertsModel::value(int row, int column) const {
    const auto layer = static_cast<std::size_t>(row);
    const auto expert = static_cast<std::size_t>(column);
    const bool all = row == m_usage.layers;
    if (column < m_usage.experts)
        return all ? m_totals.expertTotal[expert] : m_usage.value[layer * static_cast<std::size_t>(m_usage.experts) + expert];
    if (all)
        return {};
    switch (column - m_usage.experts) {
    case 0:
        return m_totals.layerTotal[layer];
    case 1:
        return m_usage.entropy[layer];
    default:
        return m_usage.expertsFor90[layer];
    }
}

QVariant ExpertsModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid())
        return {};
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::DisplayRole && role != Qt::EditRole)
        return {};
    QVariant raw = value(index.row(), index.column());
    if (role == Qt::EditRole || !raw.isValid())
        return raw;
    if (index.column() == m_usage.experts || (index.row() == m_usage.layers && index.column() < m_usage.experts))
        return usageText(raw.toDouble(), UsageValue::Count);
    if (index.column() < m_usage.experts)
        return usageText(raw.toDouble(), m_kind);
    return index.column() == m_usage.experts + 1 ? QString::number(raw.toDouble(), 'f', 2) : raw.toString();
}

QVariant ExpertsModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (role == Qt::ToolTipRole && orientation == Qt::Horizontal) {
        if (section == m_usage.experts + 1)
            return tr("Entropy of the choices' distribution over the layer's experts, bits");
        if (section == m_usage.experts + 2)
            return tr("How many experts take 90 % of the layer's choices");
    }
    if (role != Qt::DisplayRole)
        return {};
    if (orientation == Qt::Vertical)
        return section == m_usage.layers ? tr("all") : tr("layer %1").arg(section);
    if (section < m_usage.experts)
        return tr("expert %1").arg(section);
    switch (section - m_usage.experts) {
    case 0:
        return tr("total");
    case 1:
        return tr("entropy (bits)");
    default:
        return tr("experts for 90 %");
    }
}

} // namespace moescope::ui

#include "ui/gating/cost_model.h"

#include "ui/format.h"

namespace moescope::ui {

void CostModel::show(const policy::GateCosts& costs) {
    beginResetModel();
    m_costs = costs;
    endResetModel();
}

int CostModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_costs.points.size() + m_costs.quantisation.size());
}

int CostModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : 6;
}

QVariant CostModel::figure(int row, int column) const {
    const auto index = static_cast<std::size_t>(row);
    if (index >= m_costs.points.size()) {
        const policy::QuantisationLoss& loss = m_costs.quantisation[index - m_costs.points.size()];
        switch (column) {
        case 0:
            return QString::fromStdString(loss.type);
        case 4:
            return loss.meanKl;
        case 5:
            return loss.perplexityRatio;
        default:
            return {};
        }
    }
    const policy::GateCostPoint& point = m_costs.points[index];
    switch (column) {
    case 0:
        return QString::fromStdString(point.gate);
    case 1:
        return point.threshold;
    case 2:
        return point.meanExperts;
    case 3:
        return point.singleShare;
    case 4:
        return point.meanKl;
    default:
        return point.perplexityRatio;
    }
}

QVariant CostModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid())
        return {};
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>((index.column() == 0 ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    if (role != Qt::DisplayRole && role != Qt::EditRole)
        return {};
    QVariant value = figure(index.row(), index.column());
    if (role == Qt::EditRole || !value.isValid() || index.column() == 0)
        return value;
    if (index.column() == 3)
        return format::percent(value.toDouble());
    if (index.column() == 5)
        return QString::number(value.toDouble(), 'f', 4);
    return format::number(value.toDouble(), 4);
}

QVariant CostModel::headerData(int section, Qt::Orientation orientation, int role) const {
    static const char* const kNames[] = {QT_TR_NOOP("gate or format"), QT_TR_NOOP("threshold"), QT_TR_NOOP("experts"),
                                         QT_TR_NOOP("single"),         QT_TR_NOOP("KL"),        QT_TR_NOOP("perplexity ×")};
    static const char* const kMeanings[] = {QT_TR_NOOP("A gate, or a number format with the whole top-k against the f16 file"),
                                            QT_TR_NOOP("Of the gate"),
                                            QT_TR_NOOP("Experts run per token and layer, measured with it"),
                                            QT_TR_NOOP("Share of the decisions that ran one expert"),
                                            QT_TR_NOOP("Mean KL divergence per token to the model with its whole top-k, nats"),
                                            QT_TR_NOOP("Perplexity against the model with its whole top-k")};
    if (section < 0 || section >= columnCount() || orientation != Qt::Horizontal)
        return orientation == Qt::Vertical && role == Qt::DisplayRole ? QVariant(section + 1) : QVariant();
    if (role == Qt::ToolTipRole)
        return tr(kMeanings[section]);
    return role == Qt::DisplayRole ? QVariant(tr(kNames[section])) : QVariant();
}

} // namespace moescope::ui

#include "ui/gating/gating_model.h"

#include "ui/format.h"
#include "ui/gating/gating_geometry.h"

#include <charconv>

namespace moescope::ui {

GateFacts gateFacts(const analysis::Snapshot& snapshot) {
    GateFacts facts;
    if (snapshot.info)
        facts.sensitivities = snapshot.info->sensitivity;
    for (const auto& [name, value] : snapshot.settings) {
        if (name == "gate")
            facts.gate = value;
        else if (name == "gate-threshold")
            std::from_chars(value.data(), value.data() + value.size(), facts.threshold);
    }
    return facts;
}

void GatingModel::show(std::vector<analysis::GateShare> shares, GateFacts facts) {
    const bool reshaped = shares.size() != m_shares.size();
    if (reshaped)
        beginResetModel();
    m_shares = std::move(shares);
    m_facts = std::move(facts);
    if (reshaped)
        endResetModel();
    else if (!m_shares.empty())
        Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
}

int GatingModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_shares.size());
}

int GatingModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : 5;
}

QVariant GatingModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid())
        return {};
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::DisplayRole && role != Qt::EditRole)
        return {};
    const bool raw = role == Qt::EditRole;
    const auto layer = static_cast<std::size_t>(index.row());
    const analysis::GateShare& share = m_shares[layer];
    const bool known = layer < m_facts.sensitivities.size();
    switch (index.column()) {
    case 0:
        return raw ? QVariant(share.meanExperts) : QVariant(QString::number(share.meanExperts, 'f', 2));
    case 1:
        return raw ? QVariant(share.singleShare) : QVariant(format::percent(share.singleShare));
    case 2:
        return static_cast<qlonglong>(share.decisions);
    case 3:
        return known ? (raw ? QVariant(m_facts.sensitivities[layer])
                            : QVariant(QString::number(m_facts.sensitivities[layer], 'g', 3)))
                     : QVariant();
    default:
        if (!known || !m_facts.adaptive())
            return {};
        const double at = shareAtThreshold(m_facts.threshold, m_facts.sensitivities[layer]);
        return raw ? QVariant(at) : QVariant(QString::number(at, 'f', 3));
    }
}

QVariant GatingModel::headerData(int section, Qt::Orientation orientation, int role) const {
    static const char* const kNames[] = {QT_TR_NOOP("mean experts"), QT_TR_NOOP("single expert"), QT_TR_NOOP("decisions"),
                                         QT_TR_NOOP("sensitivity w"), QT_TR_NOOP("drops up to")};
    static const char* const kMeanings[] = {
        QT_TR_NOOP("Experts that ran per token at this layer"),
        QT_TR_NOOP("Share of the decisions after which only one expert ran, though there were more candidates"),
        QT_TR_NOOP("Router decisions counted"),
        QT_TR_NOOP("How much the model's loss reacts to a change of this layer (AdapMoE)"),
        QT_TR_NOOP("Weight share up to which further experts are dropped: the square root of threshold / sensitivity")};
    if (orientation == Qt::Horizontal && role == Qt::ToolTipRole)
        return tr(kMeanings[section]);
    if (role != Qt::DisplayRole)
        return {};
    if (orientation == Qt::Horizontal)
        return tr(kNames[section]);
    return section + 1 == rowCount() ? tr("all") : tr("layer %1").arg(section);
}

} // namespace moescope::ui

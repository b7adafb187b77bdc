#include "ui/gating/gating_model.h"

#include "ui/format.h"

#include <charconv>
#include <stdexcept>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {

/// The layer's number; for "all" the mean of the layers would mean nothing.
QVariant at(const std::vector<double>& values, std::size_t layer) {
    return layer < values.size() ? QVariant(values[layer]) : QVariant();
}

policy::LayerOverrides overridesFrom(const std::string& text) {
    try {
        return policy::parseLayerOverrides(text);
    } catch (const std::invalid_argument&) {
        return {};
    }
}

QVariant shareFigure(const analysis::GateShare& share, int column, int topK) {
    if (column == GatingModel::DecodeCount)
        return static_cast<qlonglong>(share.decisions);
    if (share.decisions == 0)
        return {};
    if (column == GatingModel::DecodeMean)
        return share.meanExperts;
    return column == GatingModel::DecodeSingle ? share.singleShare : 1 - share.meanExperts / std::max(1, topK);
}

} // namespace

double GateFacts::thresholdAt(int layer) const {
    const auto own = overrides.find(layer);
    return own == overrides.end() ? threshold : own->second;
}

GateFacts gateFacts(const analysis::Snapshot& snapshot, const GateFacts& before) {
    GateFacts facts;
    facts.known = snapshot.calibration;
    facts.topK = snapshot.info ? std::max(1, snapshot.info->model.topK) : 2;
    facts.phase = u"both"_s;
    for (const auto& [name, value] : snapshot.settings) {
        if (name == "gate")
            facts.gate = QString::fromStdString(value);
        else if (name == "gate-threshold")
            std::from_chars(value.data(), value.data() + value.size(), facts.threshold);
        else if (name == "gate-layers")
            facts.overrides = overridesFrom(value);
        else if (name == "gate-phase")
            facts.phase = QString::fromStdString(value);
    }
    const bool same = before.gate == facts.gate && before.known == facts.known && before.topK == facts.topK &&
                      before.rule.gate() == facts.gate;
    facts.rule = same ? before.rule : GateRule(facts.gate, facts.known.get(), facts.topK);
    return facts;
}

void GatingModel::show(analysis::PhaseShares shares, GateFacts facts) {
    if (facts.known != m_facts.known)
        m_pairMeans = facts.known ? pairMeans(*facts.known) : std::vector<double>{};
    const bool reshaped = shares.decode.size() != m_shares.decode.size();
    if (reshaped)
        beginResetModel();
    m_shares = std::move(shares);
    m_facts = std::move(facts);
    if (reshaped)
        endResetModel();
    else if (rowCount() > 0)
        Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
}

bool GatingModel::onlyPrompts() const {
    return !m_shares.decode.empty() && m_shares.decode.back().decisions == 0 && m_shares.prefill.back().decisions > 0;
}

const analysis::GateShare& GatingModel::shareOf(int layer) const {
    static const analysis::GateShare kNone;
    const auto& shares = onlyPrompts() ? m_shares.prefill : m_shares.decode;
    if (shares.empty())
        return kNone;
    const auto row = static_cast<std::size_t>(layer);
    return layer < 0 || row >= shares.size() ? shares.back() : shares[row];
}

int GatingModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_shares.decode.size());
}

int GatingModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : kColumns;
}

QVariant GatingModel::figure(int row, int column) const {
    const auto layer = static_cast<std::size_t>(row);
    if (column <= DecodeCount)
        return shareFigure(m_shares.decode[layer], column, m_facts.topK);
    if (column <= PrefillCount)
        return shareFigure(m_shares.prefill[layer], column - PrefillMean, m_facts.topK);
    if (row + 1 == rowCount())
        return {};
    switch (column) {
    case InUse:
        return at(m_facts.rule.sensitivity(), layer);
    case DropsUpTo:
        return m_facts.rule.placed() ? QVariant(m_facts.rule.shareAt(m_facts.thresholdAt(row), row)) : QVariant();
    case PairMean:
        return at(m_pairMeans, layer);
    default:
        break;
    }
    if (!m_facts.known)
        return {};
    return at(column == Refined ? m_facts.known->refined
              : column == Paper ? m_facts.known->paper
                                : m_facts.known->directKl,
              layer);
}

QVariant GatingModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid())
        return {};
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::DisplayRole && role != Qt::EditRole)
        return {};
    QVariant value = figure(index.row(), index.column());
    if (role == Qt::EditRole || !value.isValid())
        return value;
    switch (index.column()) {
    case DecodeMean:
    case PrefillMean:
        return QString::number(value.toDouble(), 'f', 2);
    case DecodeSingle:
    case DecodeFewer:
    case PrefillSingle:
    case PrefillFewer:
        return format::percent(std::max(0.0, value.toDouble()));
    case DecodeCount:
    case PrefillCount:
        return value;
    case DropsUpTo:
        return QString::number(value.toDouble(), 'f', 3);
    default:
        return QString::number(value.toDouble(), 'g', 3);
    }
}

QVariant GatingModel::headerData(int section, Qt::Orientation orientation, int role) const {
    static const char* const kNames[] = {QT_TR_NOOP("experts"),         QT_TR_NOOP("single"),
                                         QT_TR_NOOP("fewer"),           QT_TR_NOOP("decisions"),
                                         QT_TR_NOOP("prompt: experts"), QT_TR_NOOP("prompt: single"),
                                         QT_TR_NOOP("prompt: fewer"),   QT_TR_NOOP("prompt: decisions"),
                                         QT_TR_NOOP("w in use"),        QT_TR_NOOP("drops up to"),
                                         QT_TR_NOOP("w refined"),       QT_TR_NOOP("w paper"),
                                         QT_TR_NOOP("w pair mean"),     QT_TR_NOOP("KL of dropping")};
    static const char* const kMeanings[] = {
        QT_TR_NOOP("Experts that ran per token at this layer, in the steps of answers"),
        QT_TR_NOOP("Share of the decisions after which only one expert ran, though there were more candidates"),
        QT_TR_NOOP("Cut in expert executions against the model's top-k"),
        QT_TR_NOOP("Router decisions counted"),
        QT_TR_NOOP("Experts that ran per token at this layer, while prompts were read"),
        QT_TR_NOOP("Share of the prompts' decisions after which only one expert ran"),
        QT_TR_NOOP("Cut in the prompts' expert executions"),
        QT_TR_NOOP("The prompts' router decisions counted"),
        QT_TR_NOOP("Sensitivity that the gate in force looks at"),
        QT_TR_NOOP("Weight share up to which the gate in force drops further experts at this layer"),
        QT_TR_NOOP("Mean of Σ g² (f1 − f2)², g the gradient of the loss with respect to the layer's output"),
        QT_TR_NOOP("Mean of Σ g², the form of the AdapMoE paper"),
        QT_TR_NOOP("The refined form per pair of experts, mean over the pairs"),
        QT_TR_NOOP("Measured KL divergence when every token drops its further experts at this layer alone")};
    if (section < 0 || section >= (orientation == Qt::Horizontal ? static_cast<int>(kColumns) : rowCount()))
        return {};
    if (orientation == Qt::Horizontal && role == Qt::ToolTipRole)
        return tr(kMeanings[section]);
    if (role != Qt::DisplayRole)
        return {};
    if (orientation == Qt::Horizontal)
        return tr(kNames[section]);
    return section + 1 == rowCount() ? tr("all") : tr("layer %1").arg(section);
}

} // namespace moescope::ui

#pragma once
#include "profiler/analysis/range_figures.h"
#include "ui/gate_estimate.h"
#include "ui/gate_rule.h"

#include <QAbstractTableModel>
#include <optional>

namespace moescope::ui {

/// What the session says about its gate at the cursor.
struct GateFacts {
    QString gate;
    double threshold = 0;
    policy::LayerOverrides overrides;
    QString phase;
    int topK = 2;
    std::shared_ptr<const policy::Sensitivities> known; ///< of the session's model, may be null
    GateRule rule;

    bool drops() const { return rule.hasThreshold(); }
    double thresholdAt(int layer) const;
};
/// before: an earlier answer, whose rule is kept while gate and model are the same.
GateFacts gateFacts(const analysis::Snapshot& snapshot, const GateFacts& before = {});

/// The table twin of the gating panel: per layer and for all the mean experts, the single-expert share, the cut in executions
/// and the decisions, steps of answers and prompts apart; then the sensitivities, and the share at which the threshold acts.
/// Owned by GatingPanel; GUI thread.
class GatingModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column {
        DecodeMean,
        DecodeSingle,
        DecodeFewer,
        DecodeCount,
        PrefillMean,
        PrefillSingle,
        PrefillFewer,
        PrefillCount,
        InUse,
        DropsUpTo,
        Refined,
        Paper,
        PairMean,
        DirectKl,
        kColumns
    };
    using QAbstractTableModel::QAbstractTableModel;
    void show(analysis::PhaseShares shares, GateFacts facts);
    const analysis::PhaseShares& shares() const { return m_shares; }
    const GateFacts& facts() const { return m_facts; }
    /// Of the layer, -1: of all; the steps of answers, or the prompts if there were none yet.
    const analysis::GateShare& shareOf(int layer) const;
    bool onlyPrompts() const;

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    QVariant figure(int row, int column) const;

    analysis::PhaseShares m_shares; ///< last entries: all layers
    GateFacts m_facts;
    std::vector<double> m_pairMeans;
};

} // namespace moescope::ui

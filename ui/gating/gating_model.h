#pragma once
#include "profiler/analysis/range_figures.h"

#include <QAbstractTableModel>
#include <optional>

namespace moescope::ui {

/// What the session says about its gate.
struct GateFacts {
    std::string gate;
    double threshold = 0;
    std::vector<double> sensitivities; ///< w_l per layer; empty: not known
    bool adaptive() const { return gate == "adapmoe"; }
};
GateFacts gateFacts(const analysis::Snapshot& snapshot);

/// The table twin of the gating panel: per layer and for all the mean experts, the single-expert share, the decisions, the
/// sensitivity and the share at which the threshold acts. Owned by GatingPanel; GUI thread.
class GatingModel : public QAbstractTableModel {
    Q_OBJECT
public:
    using QAbstractTableModel::QAbstractTableModel;
    void show(std::vector<analysis::GateShare> shares, GateFacts facts);
    const std::vector<analysis::GateShare>& shares() const { return m_shares; }
    const GateFacts& facts() const { return m_facts; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    std::vector<analysis::GateShare> m_shares; ///< last entry: all layers
    GateFacts m_facts;
};

} // namespace moescope::ui

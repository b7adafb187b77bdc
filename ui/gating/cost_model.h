#pragma once
#include "engine/policy/gate_costs.h"

#include <QAbstractTableModel>

namespace moescope::ui {

/// The measured costs as a table: a row per gate and threshold, then the quantisation losses that they are compared with.
/// Owned by GatingPanel; GUI thread.
class CostModel : public QAbstractTableModel {
    Q_OBJECT
public:
    using QAbstractTableModel::QAbstractTableModel;
    void show(const policy::GateCosts& costs);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    QVariant figure(int row, int column) const;
    policy::GateCosts m_costs;
};

} // namespace moescope::ui

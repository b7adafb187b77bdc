#pragma once
#include "profiler/analysis/range_figures.h"

#include <QAbstractTableModel>

namespace moescope::ui {

/// The table twin of the activation heatmap: a row per layer and one for all, a column per expert, then total, entropy and
/// experts for 90 %. Owned by ExpertsPanel; GUI thread.
class ExpertsModel : public QAbstractTableModel {
    Q_OBJECT
public:
    using QAbstractTableModel::QAbstractTableModel;

    /// totals: the same range's counts (or drops), which rows and columns add up to whatever a cell shows.
    void setUsage(analysis::ExpertUsage usage, analysis::ExpertUsage totals, analysis::UsageValue kind);
    const analysis::ExpertUsage& usage() const { return m_usage; }
    const analysis::ExpertUsage& totals() const { return m_totals; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    QVariant value(int row, int column) const;
    analysis::ExpertUsage m_usage;
    analysis::ExpertUsage m_totals;
    analysis::UsageValue m_kind = analysis::UsageValue::Count;
};

/// A cell's value as words: "31 %", "128", "0.42".
QString usageText(double value, analysis::UsageValue kind);

} // namespace moescope::ui

#pragma once
#include "profiler/analysis/snapshot.h"

#include <QAbstractTableModel>

namespace moescope::ui {

/// What a cell of the cache panel says in words.
QString residencyText(std::uint8_t state);
/// Last cause, since when, last use and bytes of one expert: "why is it here".
QString whyHere(const analysis::Snapshot& snapshot, trace::ExpertKey key);
/// Slots that are filled or being filled.
int usedSlots(const analysis::Snapshot& snapshot);

/// The table twin of the residency heatmap: a row per layer, a column per expert, then hits, misses, hit rate, optimum and
/// slots. Owned by CachePanel; GUI thread.
class CacheModel : public QAbstractTableModel {
    Q_OBJECT
public:
    explicit CacheModel(QObject* parent = nullptr);

    void setSnapshot(analysis::SnapshotPtr snapshot);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    QVariant value(int row, int column) const;
    analysis::SnapshotPtr m_snapshot;
    int m_layers = 0;
    int m_experts = 0;
};

} // namespace moescope::ui

#pragma once
#include "profiler/analysis/snapshot.h"

#include <QAbstractTableModel>
#include <vector>

namespace moescope::ui {

/// One line of the statistics: a group's heading or a figure with its meaning.
struct StatsLine {
    QString name;
    QString text;    ///< as shown; empty for headings
    QVariant raw;    ///< unrounded, for export; invalid where there is nothing to say
    QString meaning; ///< tool tip
    bool heading = false;
    bool warning = false;
};

/// All figures of a snapshot, grouped. Names of settings and units as in `report`.
std::vector<StatsLine> statsLines(const analysis::Snapshot& snapshot);
/// When a global LRU pool cannot hit by construction: that it collapses, and what helps. Empty otherwise.
QString cacheTrap(const analysis::Snapshot& snapshot);

/// The figures as a table of two columns. Owned by StatsPanel; GUI thread.
class StatsModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Role { HeadingRole = Qt::UserRole, WarningRole };
    using QAbstractTableModel::QAbstractTableModel;
    void setLines(std::vector<StatsLine> lines);
    const std::vector<StatsLine>& lines() const { return m_lines; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;
    Qt::ItemFlags flags(const QModelIndex& index) const override;

private:
    std::vector<StatsLine> m_lines;
};

/// The figures that differ by layer: a row per layer. Owned by StatsPanel; GUI thread.
class LayerStatsModel : public QAbstractTableModel {
    Q_OBJECT
public:
    explicit LayerStatsModel(QObject* parent = nullptr);
    void setSnapshot(analysis::SnapshotPtr snapshot);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    QVariant prefetchFigure(const analysis::PrefetchRecord& prefetch, int column, bool raw) const;
    analysis::SnapshotPtr m_snapshot;
    int m_rows = 0;
};

} // namespace moescope::ui

#pragma once
#include "profiler/simulate/figures.h"

#include <QAbstractTableModel>
#include <optional>

namespace moescope::ui {

/// Recorded beside simulated figures, a row per figure. Owned by SimulatorPanel; GUI thread.
class ResultModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Name, Recorded, Estimate, Change, ColumnCount };
    using QAbstractTableModel::QAbstractTableModel;

    /// approximate: the gate differs from the recording, and the heading says so. `caveat`: what is not measured, in sentences.
    void show(const simulate::Figures& recorded, const simulate::Figures& estimate, bool approximate, const QString& caveat);
    void clear();
    bool empty() const { return !m_estimate.has_value(); }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    simulate::Figures m_recorded;
    std::optional<simulate::Figures> m_estimate;
    bool m_approximate = false;
    QString m_caveat;
};

} // namespace moescope::ui

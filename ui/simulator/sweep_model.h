#pragma once
#include "profiler/simulate/sweep.h"

#include <QAbstractTableModel>

namespace moescope::ui {

/// One point of a sweep as the window holds it.
struct SweptPoint {
    std::vector<std::string> values; ///< one per axis
    simulate::Figures figures;
    bool approximate = false; ///< its gate differs from the recording
    QString caveat;           ///< what is not measured in it
};

/// A sweep, a row per point: the axes' values, then every figure. The plot's table twin. Owned by SimulatorPanel; GUI thread.
class SweepModel : public QAbstractTableModel {
    Q_OBJECT
public:
    using QAbstractTableModel::QAbstractTableModel;

    /// A new sweep without points yet.
    void begin(std::vector<simulate::SweepAxis> axes, const simulate::Figures& recorded);
    void append(const std::vector<SweptPoint>& points);
    void clear();

    const std::vector<simulate::SweepAxis>& axes() const { return m_axes; }
    const std::vector<SweptPoint>& points() const { return m_points; }
    const simulate::Figures& recorded() const { return m_recorded; }
    bool approximate() const;

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    std::vector<simulate::SweepAxis> m_axes;
    std::vector<SweptPoint> m_points;
    simulate::Figures m_recorded;
};

} // namespace moescope::ui

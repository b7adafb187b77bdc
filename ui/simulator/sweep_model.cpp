#include "ui/simulator/sweep_model.h"

#include "ui/simulator/simulated_figures.h"

#include <algorithm>

namespace moescope::ui {

void SweepModel::begin(std::vector<simulate::SweepAxis> axes, const simulate::Figures& recorded) {
    beginResetModel();
    m_axes = std::move(axes);
    m_recorded = recorded;
    m_points.clear();
    endResetModel();
}

void SweepModel::append(const std::vector<SweptPoint>& points) {
    if (points.empty())
        return;
    const int first = rowCount();
    beginInsertRows({}, first, first + static_cast<int>(points.size()) - 1);
    m_points.insert(m_points.end(), points.begin(), points.end());
    endInsertRows();
}

void SweepModel::clear() {
    begin({}, {});
}

bool SweepModel::approximate() const {
    return std::any_of(m_points.begin(), m_points.end(), [](const SweptPoint& point) { return point.approximate; });
}

int SweepModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_points.size());
}

int SweepModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() || m_axes.empty() ? 0 : static_cast<int>(m_axes.size() + simulatedFigures().size()) + 1;
}

QVariant SweepModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid())
        return {};
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::DisplayRole && role != Qt::EditRole)
        return {};
    const SweptPoint& point = m_points[static_cast<std::size_t>(index.row())];
    const auto column = static_cast<std::size_t>(index.column());
    if (column < m_axes.size())
        return QString::fromStdString(point.values[column]);
    if (column == m_axes.size() + simulatedFigures().size())
        return point.approximate ? tr("approximate") : tr("as recorded");
    const SimulatedFigure& figure = simulatedFigures()[column - m_axes.size()];
    const double value = figure.of(point.figures);
    return role == Qt::EditRole ? figure.raw(value) : figure.textOf(value);
}

QVariant SweepModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= columnCount())
        return {};
    const auto column = static_cast<std::size_t>(section);
    const bool axis = column < m_axes.size();
    const bool gate = column == m_axes.size() + simulatedFigures().size();
    if (role == Qt::ToolTipRole)
        return axis || gate ? QString() : simulatedFigures()[column - m_axes.size()].meaning;
    if (role != Qt::DisplayRole)
        return {};
    if (axis)
        return QString::fromStdString(m_axes[column].setting);
    return gate ? tr("gating") : simulatedFigures()[column - m_axes.size()].name;
}

} // namespace moescope::ui

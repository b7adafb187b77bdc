#include "ui/cache/cache_model.h"

#include "ui/format.h"

#include <algorithm>

namespace moescope::ui {
namespace {

QString causeText(trace::TransferCause cause) {
    switch (cause) {
    case trace::TransferCause::Demand:
        return QObject::tr("on demand");
    case trace::TransferCause::Prefetch:
        return QObject::tr("by prefetch");
    case trace::TransferCause::Allocation:
        return QObject::tr("by allocation");
    }
    return {};
}

QVariant rate(double value) {
    return value < 0 ? QVariant() : QVariant(value);
}

} // namespace

QString residencyText(std::uint8_t state) {
    switch (state) {
    case 0:
        return QObject::tr("absent");
    case 1:
        return QObject::tr("loading");
    default:
        return QObject::tr("resident");
    }
}

int usedSlots(const analysis::Snapshot& snapshot) {
    return static_cast<int>(
        std::count_if(snapshot.residency.state.begin(), snapshot.residency.state.end(), [](std::uint8_t s) { return s > 0; }));
}

QString whyHere(const analysis::Snapshot& snapshot, trace::ExpertKey key) {
    const auto index = static_cast<std::size_t>(key.layer.value * snapshot.experts + key.expert.value);
    if (index >= snapshot.expertLives.size() || index >= snapshot.residency.state.size())
        return {};
    const analysis::ExpertRecord& life = snapshot.expertLives[index];
    QStringList lines{QObject::tr("<b>layer %1 · expert %2</b> — %3")
                          .arg(key.layer.value)
                          .arg(key.expert.value)
                          .arg(residencyText(snapshot.residency.state[index]))};
    if (life.transfers > 0)
        lines << (life.residentSince.valid() && snapshot.residency.state[index] == 2
                      ? QObject::tr("loaded %1 at token %2").arg(causeText(life.lastCause)).arg(life.residentSince.value)
                      : QObject::tr("last loaded %1").arg(causeText(life.lastCause)));
    else
        lines << (snapshot.residency.state[index] == 2 ? QObject::tr("resident since the start") : QObject::tr("never loaded"));
    lines << (life.lastUsed.valid() ? QObject::tr("last used at token %1, weight %2")
                                          .arg(life.lastUsed.value)
                                          .arg(static_cast<double>(life.lastWeight), 0, 'f', 2)
                                    : QObject::tr("not used yet"));
    lines << QObject::tr("%1 hits · %2 misses · %3 evictions").arg(life.hits).arg(life.misses).arg(life.evictions);
    lines << QObject::tr("%1 transfers · %2 · %3 wasted").arg(life.transfers).arg(format::bytes(life.bytes)).arg(life.wasted);
    return lines.join(QStringLiteral("<br>"));
}

CacheModel::CacheModel(QObject* parent) : QAbstractTableModel(parent), m_snapshot(std::make_shared<analysis::Snapshot>()) {}

void CacheModel::setSnapshot(analysis::SnapshotPtr snapshot) {
    const bool reshaped = snapshot->layers != m_layers || snapshot->experts != m_experts;
    if (reshaped)
        beginResetModel();
    m_snapshot = std::move(snapshot);
    m_layers = m_snapshot->layers;
    m_experts = m_snapshot->experts;
    if (reshaped)
        endResetModel();
    else if (m_layers > 0)
        Q_EMIT dataChanged(index(0, 0), index(m_layers - 1, columnCount() - 1));
}

int CacheModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : m_layers;
}

int CacheModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() || m_layers == 0 ? 0 : m_experts + 5;
}

QVariant CacheModel::value(int row, int column) const {
    if (column < m_experts) {
        const auto index = static_cast<std::size_t>(row * m_experts + column);
        return index < m_snapshot->residency.state.size() ? residencyText(m_snapshot->residency.state[index]) : QVariant();
    }
    const auto layer = static_cast<std::size_t>(row);
    if (layer >= m_snapshot->layerLives.size())
        return {};
    const analysis::LayerRecord& life = m_snapshot->layerLives[layer];
    switch (column - m_experts) {
    case 0:
        return static_cast<qlonglong>(life.hits);
    case 1:
        return static_cast<qlonglong>(life.misses);
    case 2:
        return rate(life.hits + life.misses > 0 ? static_cast<double>(life.hits) / static_cast<double>(life.hits + life.misses)
                                                : -1);
    case 3:
        return rate(life.optimumHitRate);
    default:
        return life.slots < 0 ? QVariant(tr("shared pool")) : QVariant(life.slots);
    }
}

QVariant CacheModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid())
        return {};
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>(Qt::AlignRight | Qt::AlignVCenter);
    if (role == Qt::ToolTipRole && index.column() < m_experts)
        return whyHere(*m_snapshot, trace::expertKey(index.row(), index.column()));
    if (role != Qt::DisplayRole && role != Qt::EditRole)
        return {};
    QVariant raw = value(index.row(), index.column());
    const int figure = index.column() - m_experts;
    if (role == Qt::DisplayRole && (figure == 2 || figure == 3))
        return format::share(raw.isValid() ? raw.toDouble() : -1);
    return raw;
}

QVariant CacheModel::headerData(int section, Qt::Orientation orientation, int role) const {
    const int figure = section - m_experts;
    if (role == Qt::ToolTipRole && orientation == Qt::Horizontal && figure == 3)
        return tr("Hit rate of the best possible eviction (Belady) on the same accesses with the same slots");
    if (role != Qt::DisplayRole)
        return {};
    if (orientation == Qt::Vertical)
        return tr("layer %1").arg(section);
    if (figure < 0)
        return tr("expert %1").arg(section);
    static const char* const kNames[] = {QT_TR_NOOP("hits"), QT_TR_NOOP("misses"), QT_TR_NOOP("hit rate"),
                                         QT_TR_NOOP("optimum"), QT_TR_NOOP("slots")};
    return tr(kNames[figure]);
}

} // namespace moescope::ui

#include "ui/stats/stats_model.h"

#include "ui/format.h"

namespace moescope::ui {
namespace {

double rateOf(std::int64_t part, std::int64_t of) {
    return of > 0 ? static_cast<double>(part) / static_cast<double>(of) : -1;
}

} // namespace

void StatsModel::setLines(std::vector<StatsLine> lines) {
    bool same = lines.size() == m_lines.size();
    for (std::size_t i = 0; same && i < lines.size(); ++i)
        same = lines[i].name == m_lines[i].name;
    if (!same)
        beginResetModel();
    m_lines = std::move(lines);
    if (!same)
        endResetModel();
    else if (!m_lines.empty())
        Q_EMIT dataChanged(index(0, 1), index(rowCount() - 1, 1));
}

int StatsModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_lines.size());
}

int StatsModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : 2;
}

QVariant StatsModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid())
        return {};
    const StatsLine& line = m_lines[static_cast<std::size_t>(index.row())];
    switch (role) {
    case Qt::DisplayRole:
        return index.column() == 0 ? line.name : line.text;
    case Qt::EditRole:
        return index.column() == 0 ? QVariant(line.name) : line.raw;
    case Qt::ToolTipRole:
        return line.meaning;
    case Qt::TextAlignmentRole:
        return static_cast<int>((index.column() == 0 ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    case HeadingRole:
        return line.heading;
    case WarningRole:
        return line.warning;
    default:
        return {};
    }
}

QVariant StatsModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (role != Qt::DisplayRole || orientation != Qt::Horizontal)
        return {};
    return section == 0 ? tr("figure") : tr("value");
}

Qt::ItemFlags StatsModel::flags(const QModelIndex& index) const {
    if (index.isValid() && m_lines[static_cast<std::size_t>(index.row())].heading)
        return Qt::ItemIsEnabled;
    return QAbstractTableModel::flags(index);
}

LayerStatsModel::LayerStatsModel(QObject* parent)
    : QAbstractTableModel(parent), m_snapshot(std::make_shared<analysis::Snapshot>()) {}

void LayerStatsModel::setSnapshot(analysis::SnapshotPtr snapshot) {
    const int rows = static_cast<int>(snapshot->layerLives.size());
    const bool reshaped = rows != m_rows;
    if (reshaped)
        beginResetModel();
    m_snapshot = std::move(snapshot);
    m_rows = rows;
    if (reshaped)
        endResetModel();
    else if (rows > 0)
        Q_EMIT dataChanged(index(0, 0), index(rows - 1, columnCount() - 1));
}

int LayerStatsModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : m_rows;
}

int LayerStatsModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : 13;
}

QVariant LayerStatsModel::prefetchFigure(const analysis::PrefetchRecord& prefetch, int column, bool raw) const {
    const auto bytes = [raw](std::int64_t value) {
        return raw ? QVariant(static_cast<qlonglong>(value)) : QVariant(format::bytes(value));
    };
    switch (column) {
    case 9:
        return static_cast<qlonglong>(prefetch.issued);
    case 10:
        return bytes(prefetch.bytesUsed);
    case 11:
        return bytes(prefetch.bytesWasted);
    default:
        return raw ? QVariant(static_cast<double>(prefetch.hiddenNs) / 1e6) : QVariant(format::duration(prefetch.hiddenNs));
    }
}

QVariant LayerStatsModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid())
        return {};
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::DisplayRole && role != Qt::EditRole)
        return {};
    const analysis::LayerRecord& life = m_snapshot->layerLives[static_cast<std::size_t>(index.row())];
    const bool raw = role == Qt::EditRole;
    const auto share = [raw](double value) -> QVariant {
        if (raw)
            return value < 0 ? QVariant() : QVariant(value);
        return format::share(value);
    };
    switch (index.column()) {
    case 0:
        return life.slots < 0 ? QVariant(tr("pool")) : QVariant(life.slots);
    case 1:
        return static_cast<qlonglong>(life.hits);
    case 2:
        return static_cast<qlonglong>(life.misses);
    case 3:
        return share(rateOf(life.hits, life.hits + life.misses));
    case 4:
        return share(life.optimumHitRate);
    case 5:
        return share(life.decisions > 0 ? static_cast<double>(life.kept) / static_cast<double>(life.decisions) : -1);
    case 6:
        return share(rateOf(life.single, life.decisions));
    case 7:
        return share(life.recall());
    case 8:
        return share(life.prefetch.precision());
    default:
        return prefetchFigure(life.prefetch, index.column(), raw);
    }
}

QVariant LayerStatsModel::headerData(int section, Qt::Orientation orientation, int role) const {
    static const char* const kNames[] = {
        QT_TR_NOOP("slots"),   QT_TR_NOOP("hits"),   QT_TR_NOOP("misses"), QT_TR_NOOP("hit rate"),  QT_TR_NOOP("optimum"),
        QT_TR_NOOP("experts"), QT_TR_NOOP("single"), QT_TR_NOOP("recall"), QT_TR_NOOP("precision"), QT_TR_NOOP("guesses"),
        QT_TR_NOOP("useful"),  QT_TR_NOOP("wasted"), QT_TR_NOOP("hidden")};
    static const char* const kMeanings[] = {
        QT_TR_NOOP("Experts of this layer that fit in the cache"),
        QT_TR_NOOP("Experts that were resident when asked for"),
        QT_TR_NOOP("Experts that had to be fetched when asked for"),
        QT_TR_NOOP("Hits / (hits + misses)"),
        QT_TR_NOOP("Hit rate of the best possible eviction (Belady) on the same accesses and slots"),
        QT_TR_NOOP("Mean experts run per token"),
        QT_TR_NOOP("Share of the decisions that ran one expert though there were more candidates"),
        QT_TR_NOOP("Share of the chosen experts that the layer before had predicted"),
        QT_TR_NOOP("Of the experts that were fetched ahead, the share used before eviction"),
        QT_TR_NOOP("Experts of this layer that were asked for ahead"),
        QT_TR_NOOP("Bytes fetched ahead and used"),
        QT_TR_NOOP("Bytes fetched ahead in vain: evicted unused, or broken off"),
        QT_TR_NOOP("Time of the copies that were over when the layer asked (ms)")};
    if (orientation == Qt::Horizontal && role == Qt::ToolTipRole)
        return tr(kMeanings[section]);
    if (role != Qt::DisplayRole)
        return {};
    return orientation == Qt::Horizontal ? tr(kNames[section]) : tr("layer %1").arg(section);
}

} // namespace moescope::ui

#include "ui/stats/stats_panel.h"

#include "ui/format.h"
#include "ui/plot/refresh_pacer.h"
#include "ui/plot/table_text.h"
#include "ui/plot/table_twin.h"
#include "ui/stats/stats_model.h"

#include <QtWidgets>

using namespace Qt::StringLiterals;

namespace moescope::ui {
namespace {

/// Headings in bold over both columns' width, warnings in the warning colour.
class StatsDelegate final : public QStyledItemDelegate {
public:
    StatsDelegate(const Theme& theme, QObject* parent) : QStyledItemDelegate(parent), m_theme(theme) {}

protected:
    void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override {
        QStyledItemDelegate::initStyleOption(option, index);
        option->font = index.column() == 0 ? m_theme.body() : m_theme.figures();
        if (index.data(StatsModel::HeadingRole).toBool()) {
            option->font.setWeight(QFont::DemiBold);
            option->palette.setColor(QPalette::Text, m_theme.colour(Theme::Role::Ink));
        } else if (index.data(StatsModel::WarningRole).toBool()) {
            option->palette.setColor(QPalette::Text, m_theme.colour(Theme::Role::Warning));
        } else if (index.column() == 0) {
            option->palette.setColor(QPalette::Text, m_theme.colour(Theme::Role::Muted));
        }
    }

private:
    const Theme& m_theme;
};

} // namespace

StatsPanel::StatsPanel(SessionFeed& feed, Selection& selection, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_feed(feed), m_selection(selection), m_theme(theme), m_model(new StatsModel(this)),
      m_layerModel(new LayerStatsModel(this)), m_figures(new TableTwin(theme)), m_layers(new TableTwin(theme)),
      m_warning(new QLabel), m_pacer(new RefreshPacer(*this, RefreshPacer::kTextFrameMs)) {
    setWindowTitle(tr("Statistics"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(2);
    m_warning->setWordWrap(true);
    m_warning->setProperty("warning", true);
    m_warning->setContentsMargins(Theme::kGrid, 2, Theme::kGrid, 2);
    m_warning->hide();
    auto* tables = new QSplitter(Qt::Horizontal);
    tables->addWidget(m_figures);
    tables->addWidget(m_layers);
    tables->setStretchFactor(0, 2);
    tables->setStretchFactor(1, 3);
    tables->setChildrenCollapsible(false);
    column->addWidget(m_warning);
    column->addWidget(tables, 1);
    m_figures->setModel(m_model);
    m_figures->setItemDelegate(new StatsDelegate(theme, m_figures));
    m_figures->setAccessibleName(tr("Statistics"));
    m_figures->setShowGrid(false);
    m_figures->verticalHeader()->hide();
    m_figures->horizontalHeader()->hide();
    m_figures->horizontalHeader()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_figures->horizontalHeader()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
    m_layers->setModel(m_layerModel);
    m_layers->setAccessibleName(tr("Statistics per layer"));
    m_layers->setShowGrid(false);
    m_layers->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_layers->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    setFocusProxy(m_figures);
    buildActions();
    connect(m_pacer, &RefreshPacer::due, this, &StatsPanel::refresh);
    connect(&feed, &SessionFeed::snapshotChanged, m_pacer, &RefreshPacer::markStale);
    connect(&selection, &Selection::chosenChanged, this, &StatsPanel::followSelection);
    connect(m_layers->selectionModel(), &QItemSelectionModel::currentRowChanged, this, &StatsPanel::selectLayer);
    m_pacer->markStale();
}

void StatsPanel::buildActions() {
    for (TableTwin* table : {m_figures, m_layers}) {
        auto* copy = new QAction(tr("Copy"), table);
        copy->setShortcut(QKeySequence::Copy);
        copy->setShortcutContext(Qt::WidgetShortcut);
        connect(copy, &QAction::triggered, table, &TableTwin::copySelection);
        auto* all = new QAction(tr("Select all"), table);
        connect(all, &QAction::triggered, table, &TableTwin::selectAll);
        auto* save = new QAction(tr("Export CSV…"), table);
        connect(save, &QAction::triggered, this, &StatsPanel::chooseExport);
        table->addActions({copy, all, save});
        table->setContextMenuPolicy(Qt::ActionsContextMenu);
    }
}

void StatsPanel::refresh() {
    const analysis::SnapshotPtr snapshot = m_feed.snapshot();
    m_model->setLines(statsLines(*snapshot));
    m_layerModel->setSnapshot(snapshot);
    const QString trap = cacheTrap(*snapshot);
    if (m_warning->text() != trap) {
        m_warning->setText(trap);
        m_warning->setVisible(!trap.isEmpty());
    }
    const analysis::Summary& s = snapshot->summary;
    const QString caption = s.tokens == 0 ? QString()
                                          : tr("%1 tokens · %2 tok/s · hit %3, optimum %4")
                                                .arg(format::count(s.tokens), format::rate(s.decodeTokensPerSecond),
                                                     format::share(s.hitRate), format::share(s.optimumHitRate));
    if (caption != m_caption) {
        m_caption = caption;
        Q_EMIT captionChanged(caption);
    }
}

void StatsPanel::followSelection() {
    const auto& layer = m_selection.chosen().layer;
    m_following = true;
    if (layer && layer->value < m_layerModel->rowCount())
        m_layers->selectRow(layer->value);
    else
        m_layers->clearSelection();
    m_following = false;
}

void StatsPanel::selectLayer() {
    const QModelIndex current = m_layers->selectionModel()->currentIndex();
    if (m_following || !current.isValid())
        return;
    Selection::Target target = m_selection.chosen();
    target.layer = trace::Layer(current.row());
    if (target.expert && target.expert->layer != *target.layer)
        target.expert.reset();
    m_selection.choose(target);
}

QString StatsPanel::exportCsv(const QString& path) const {
    QSaveFile file(path);
    const QString text = toCsv(*m_model) + u"\r\n"_s + toCsv(*m_layerModel);
    if (file.open(QIODevice::WriteOnly) && file.write(text.toUtf8()) >= 0 && file.commit())
        return {};
    return tr("%1 could not be written: %2.").arg(path, file.errorString());
}

void StatsPanel::chooseExport() {
    const QString path = QFileDialog::getSaveFileName(this, tr("Export statistics"), u"statistics.csv"_s, u"*.csv"_s);
    if (path.isEmpty())
        return;
    const QString trouble = exportCsv(path);
    if (!trouble.isEmpty())
        QMessageBox::warning(this, tr("Export statistics"), trouble);
}

} // namespace moescope::ui

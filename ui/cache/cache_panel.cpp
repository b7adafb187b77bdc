#include "ui/cache/cache_panel.h"

#include "ui/cache/cache_view.h"
#include "ui/format.h"
#include "ui/live_label.h"
#include "ui/plot/cell_interaction.h"
#include "ui/plot/plot_widget.h"
#include "ui/plot/token_experts.h"

#include <QAction>
#include <QBoxLayout>
#include <algorithm>

namespace moescope::ui {

CachePanel::CachePanel(SessionFeed& feed, Selection& selection, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_feed(feed), m_selection(selection), m_plot(new PlotWidget(theme, tr("Cache residency"))),
      m_model(new CacheModel(this)), m_cursor(new LiveLabel(theme, Theme::Role::Muted, theme.caption(), LiveLabel::Fit::Grow)) {
    setWindowTitle(tr("Cache residency"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_plot);
    setFocusProxy(m_plot);
    m_plot->header().insertWidget(0, m_cursor);
    m_plot->setTable(m_model);
    m_view = std::make_unique<CacheView>(m_plot->plot(), theme);
    m_cells = new CellInteraction(*m_plot, m_view->cells(), m_view->outlines(), selection,
                                  [this](trace::ExpertKey key) { return whyHere(*m_feed.snapshot(), key); });
    connect(m_plot, &PlotWidget::refresh, this, &CachePanel::refresh);
    connect(&feed, &SessionFeed::snapshotChanged, m_plot, &PlotWidget::markStale);
    connect(&selection, &Selection::hoverChanged, this, &CachePanel::outlineUsed);
    connect(&selection, &Selection::chosenChanged, this, &CachePanel::outlineUsed);
    auto* animate = new QAction(tr("Animate"), this);
    animate->setCheckable(true);
    animate->setShortcut(Qt::Key_A);
    animate->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    animate->setToolTip(tr("Replay the session from the cursor, or from its start when that is at the end"));
    connect(animate, &QAction::triggered, this, [this](bool on) { m_feed.setPlaying(on); });
    connect(&feed, &SessionFeed::playingChanged, animate, &QAction::setChecked);
    m_plot->addMenuAction(animate);
    m_plot->restyle();
    m_plot->markStale();
}

CachePanel::~CachePanel() = default;

void CachePanel::refresh() {
    const analysis::SnapshotPtr snapshot = m_feed.snapshot();
    m_plot->setEmptyText(snapshot->residency.state.empty()
                             ? tr("Which experts are in fast memory, and which had to wait. Send a message or open a session.")
                             : QString());
    m_model->setSnapshot(snapshot);
    m_view->show(snapshot);
    m_cells->gridChanged();
    const auto token = outlinedToken(*snapshot, m_selection);
    m_view->outlines().setUsed(token ? expertsOf(*snapshot, *token) : std::vector<trace::ExpertKey>{});
    updateCaption(*snapshot);
}

void CachePanel::outlineUsed() {
    const analysis::SnapshotPtr snapshot = m_feed.snapshot();
    const auto token = outlinedToken(*snapshot, m_selection);
    if (m_view->outlines().setUsed(token ? expertsOf(*snapshot, *token) : std::vector<trace::ExpertKey>{}))
        m_plot->replotMarks();
}

void CachePanel::updateCaption(const analysis::Snapshot& snapshot) {
    // An expert that waits for its slot is loading already.
    const int used = std::min(usedSlots(snapshot), snapshot.slotsTotal);
    const std::int64_t expertBytes = snapshot.info ? snapshot.info->model.expertBytes : 0;
    QString caption = tr("%1 of %2 slots").arg(used).arg(snapshot.slotsTotal);
    if (expertBytes > 0)
        caption += tr(" · %1").arg(format::bytes(used * expertBytes));
    m_cursor->setText(
        tr("at %1%2").arg(format::clock(snapshot.now), snapshot.live && snapshot.atEnd ? tr(" · live") : QString()));
    m_plot->setSummary(tr("%1 of %2 experts resident, hit rate %3, optimum %4.")
                           .arg(caption)
                           .arg(snapshot.layers * snapshot.experts)
                           .arg(format::share(snapshot.summary.hitRate), format::share(snapshot.summary.optimumHitRate)));
    if (caption != m_caption) {
        m_caption = caption;
        Q_EMIT captionChanged(caption);
    }
}

} // namespace moescope::ui

#include "ui/experts/experts_panel.h"

#include "ui/experts/experts_view.h"
#include "ui/format.h"
#include "ui/plot/cell_interaction.h"
#include "ui/plot/combo_button.h"
#include "ui/plot/plot_widget.h"
#include "ui/plot/token_experts.h"

#include <QBoxLayout>

namespace moescope::ui {
namespace {

constexpr int kWindowTokens = 64;

} // namespace

ExpertsPanel::ExpertsPanel(SessionFeed& feed, Selection& selection, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_feed(feed), m_selection(selection), m_plot(new PlotWidget(theme, tr("Expert activations"))),
      m_model(new ExpertsModel(this)) {
    setWindowTitle(tr("Expert activations"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_plot);
    setFocusProxy(m_plot);
    m_plot->setTable(m_model);
    m_view = std::make_unique<ExpertsView>(m_plot->plot(), theme);
    buildHeader();
    m_cells = new CellInteraction(*m_plot, m_view->cells(), m_view->outlines(), selection,
                                  [this](trace::ExpertKey key) { return readoutFor(key); });
    connect(m_plot, &PlotWidget::refresh, this, &ExpertsPanel::refresh);
    connect(&feed, &SessionFeed::snapshotChanged, m_plot, &PlotWidget::markStale);
    connect(&selection, &Selection::timeRangeChanged, this, [this] {
        if (m_selection.timeRange())
            m_scope->setCurrent(static_cast<int>(Scope::SelectedRange));
        else if (m_scope->current() == static_cast<int>(Scope::SelectedRange))
            m_scope->setCurrent(static_cast<int>(Scope::Window));
        m_plot->markStaleNow();
    });
    const auto outline = [this] {
        if (m_scope->current() == static_cast<int>(Scope::LastToken))
            m_plot->markStaleNow();
        updateOutlines(*m_feed.snapshot());
        m_plot->replotMarks();
    };
    connect(&selection, &Selection::hoverChanged, this, outline);
    connect(&selection, &Selection::chosenChanged, this, outline);
    m_plot->restyle();
    m_plot->setEmptyText(tr("Which experts the router chooses, layer by layer. Send a message or open a session."));
}

ExpertsPanel::~ExpertsPanel() = default;

void ExpertsPanel::buildHeader() {
    m_value =
        new ComboButton(tr("What a cell counts"), {tr("count"), tr("mean weight"), tr("share of the layer"), tr("dropped")});
    m_scope = new ComboButton(tr("Which tokens count"),
                              {tr("last token"), tr("last 64 tokens"), tr("whole session"), tr("selected range")});
    m_value->setCurrent(static_cast<int>(analysis::UsageValue::Share));
    m_scope->setCurrent(static_cast<int>(Scope::Window));
    m_plot->header().insertWidget(0, m_value);
    m_plot->header().insertWidget(1, m_scope);
    connect(m_value, &ComboButton::currentChanged, m_plot, &PlotWidget::markStaleNow);
    connect(m_scope, &ComboButton::currentChanged, m_plot, &PlotWidget::markStaleNow);
}

void ExpertsPanel::setScope(Scope scope) {
    m_scope->setCurrent(static_cast<int>(scope));
}

void ExpertsPanel::setValue(analysis::UsageValue value) {
    m_value->setCurrent(static_cast<int>(value));
}

analysis::TokenRange ExpertsPanel::range(const analysis::Snapshot& snapshot) const {
    const int routed = routedTokens(snapshot);
    switch (static_cast<Scope>(m_scope->current())) {
    case Scope::LastToken: {
        const auto token = outlinedToken(snapshot, m_selection);
        return token ? analysis::TokenRange{token->value, token->value + 1} : analysis::TokenRange{};
    }
    case Scope::Window:
        return {std::max(0, routed - kWindowTokens), routed};
    case Scope::SelectedRange:
        if (const auto& time = m_selection.timeRange())
            return analysis::tokensIn(snapshot, time->begin, time->end);
        return {0, routed};
    case Scope::Session:
        break;
    }
    return {0, routed};
}

void ExpertsPanel::refresh() {
    const analysis::SnapshotPtr snapshot = m_feed.snapshot();
    const bool empty = routedTokens(*snapshot) == 0;
    m_plot->setEmptyText(empty ? tr("Which experts the router chooses, layer by layer. Send a message or open a session.")
                               : QString());
    const analysis::TokenRange tokens = range(*snapshot);
    const Drawn wanted{snapshot->seq, QString::fromStdString(snapshot->file), tokens, m_value->current()};
    if (wanted != m_drawn) {
        m_drawn = wanted;
        const auto kind = static_cast<analysis::UsageValue>(m_value->current());
        const auto counted = kind == analysis::UsageValue::Dropped ? kind : analysis::UsageValue::Count;
        m_model->setUsage(analysis::expertUsage(*snapshot, tokens, kind), analysis::expertUsage(*snapshot, tokens, counted),
                          kind);
        m_view->show(m_model->usage(), m_model->totals(), kind);
        m_cells->gridChanged();
        updateCaption(tokens);
    }
    updateOutlines(*snapshot);
}

void ExpertsPanel::updateCaption(const analysis::TokenRange& tokens) {
    QString caption;
    switch (static_cast<Scope>(m_scope->current())) {
    case Scope::LastToken:
        caption = tr("token %1").arg(tokens.begin);
        break;
    case Scope::Window:
        caption = tr("window: last %1 tokens").arg(tokens.size());
        break;
    case Scope::Session:
        caption = tr("whole session: %1 tokens").arg(tokens.size());
        break;
    case Scope::SelectedRange:
        caption = tr("selected range: %1 tokens").arg(tokens.size());
        break;
    }
    const analysis::ExpertUsage& usage = m_model->usage();
    m_plot->setSummary(tr("%1 layers times %2 experts, %3; %4 decisions; largest value %5.")
                           .arg(usage.layers)
                           .arg(usage.experts)
                           .arg(caption)
                           .arg(usage.decisions)
                           .arg(usageText(usage.maximum, static_cast<analysis::UsageValue>(m_value->current()))));
    if (caption != m_caption) {
        m_caption = caption;
        Q_EMIT captionChanged(caption);
    }
}

void ExpertsPanel::updateOutlines(const analysis::Snapshot& snapshot) {
    const auto token = outlinedToken(snapshot, m_selection);
    m_view->outlines().setUsed(token ? expertsOf(snapshot, *token) : std::vector<trace::ExpertKey>{});
}

QString ExpertsPanel::readoutFor(trace::ExpertKey key) const {
    const analysis::ExpertUsage& usage = m_model->usage();
    const auto index = static_cast<std::size_t>(key.layer.value * usage.experts + key.expert.value);
    if (index >= usage.value.size())
        return {};
    const auto kind = static_cast<analysis::UsageValue>(m_value->current());
    static const char* const kWords[] = {QT_TR_NOOP("chosen %1 times"), QT_TR_NOOP("mean weight %1"),
                                         QT_TR_NOOP("%1 of the layer's choices"), QT_TR_NOOP("dropped %1 times")};
    return tr("<b>layer %1 · expert %2</b><br>%3<br>%4")
        .arg(key.layer.value)
        .arg(key.expert.value)
        .arg(tr(kWords[static_cast<int>(kind)]).arg(usageText(usage.value[index], kind)), m_caption);
}

} // namespace moescope::ui

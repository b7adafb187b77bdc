#include "ui/gating/gating_panel.h"

#include "ui/format.h"
#include "ui/gating/gating_geometry.h"
#include "ui/gating/gating_view.h"
#include "ui/plot/combo_button.h"
#include "ui/plot/plot_gestures.h"
#include "ui/plot/plot_widget.h"
#include "ui/plot/token_experts.h"

#include <QBoxLayout>
#include <QToolButton>
#include <algorithm>
#include <cmath>

namespace moescope::ui {
namespace {
constexpr int kBins = 40;
constexpr int kWindow = 512; // newest tokens counted when no range is selected
constexpr qint64 kSendEveryMs = 60;
constexpr double kKeyStep = 0.01; // share per arrow key
} // namespace

GatingPanel::GatingPanel(SessionFeed& feed, Selection& selection, Commands& commands, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_feed(feed), m_selection(selection), m_commands(commands), m_plot(new PlotWidget(theme, tr("Gating"))),
      m_model(new GatingModel(this)) {
    setWindowTitle(tr("Gating"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_plot);
    setFocusProxy(m_plot);
    m_plot->setTable(m_model);
    m_view = std::make_unique<GatingView>(m_plot->plot(), *m_model, theme);
    buildHeader();
    connectGestures();
    connect(m_plot, &PlotWidget::refresh, this, &GatingPanel::refresh);
    connect(m_plot, &PlotWidget::restyled, this, [this] { m_view->restyle(); });
    connect(&feed, &SessionFeed::snapshotChanged, m_plot, &PlotWidget::markStale);
    connect(&selection, &Selection::timeRangeChanged, m_plot, &PlotWidget::markStaleNow);
    connect(&selection, &Selection::chosenChanged, this, [this] {
        const auto& layer = m_selection.chosen().layer;
        setLayer(layer ? layer->value : -1);
    });
    m_plot->restyle();
    m_plot->markStale();
}

GatingPanel::~GatingPanel() = default;

void GatingPanel::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    m_view->fit(height());
    m_plot->replotSoon();
}

void GatingPanel::buildHeader() {
    m_layer = new ComboButton(tr("Layer whose decisions are counted"), {tr("all layers")});
    m_adaptive = new QToolButton;
    m_adaptive->setProperty("flat", true);
    m_adaptive->setText(tr("Use adaptive gate"));
    m_adaptive->setToolTip(
        tr("The present gate drops nothing. The adaptive one (adapmoe) drops weak experts up to the threshold."));
    m_adaptive->hide();
    m_plot->header().insertWidget(0, m_layer);
    m_plot->header().insertWidget(1, m_adaptive);
    connect(m_layer, &ComboButton::currentChanged, m_plot, &PlotWidget::markStaleNow);
    connect(m_adaptive, &QToolButton::clicked, this,
            [this] { Q_EMIT m_commands.settingRequested(QStringLiteral("gate"), QStringLiteral("adapmoe")); });
}

void GatingPanel::connectGestures() {
    PlotGestures& gestures = m_plot->gestures();
    gestures.setAxes(&m_view->shareAxis(), nullptr);
    gestures.setArrowsStep(true);
    gestures.setGrabTest([this](const QPointF& at) { return m_view->threshold().hit(at); });
    connect(&gestures, &PlotGestures::grabMoved, this,
            [this](const QPointF& at) { dragTo(m_view->shareAxis().pixelToCoord(at.x())); });
    connect(&gestures, &PlotGestures::grabReleased, this, &GatingPanel::endDrag);
    connect(&gestures, &PlotGestures::stepped, this, [this](int dx, int dy) {
        if (dx != 0 && m_view->threshold().state().share >= 0) {
            dragTo(m_view->threshold().state().share + dx * kKeyStep);
            endDrag();
        }
        if (dy != 0)
            setLayer(std::clamp(layer() + dy, -1, m_feed.snapshot()->layers - 1));
    });
    connect(&gestures, &PlotGestures::hovered, this, &GatingPanel::hover);
    connect(&gestures, &PlotGestures::left, this, [this] {
        m_plot->plot().unsetCursor();
        m_selection.hover({});
    });
    connect(&gestures, &PlotGestures::clicked, this, [this](const QPointF& at) {
        const int clicked = m_view->layers().layerAt(at);
        Selection::Target target = m_selection.chosen();
        if (clicked < 0)
            return;
        target.layer = clicked < m_feed.snapshot()->layers ? std::optional(trace::Layer(clicked)) : std::nullopt;
        target.expert.reset();
        m_selection.choose(target);
    });
    connect(&gestures, &PlotGestures::viewChanged, m_plot, &PlotWidget::replotSoon);
    connect(&gestures, &PlotGestures::resetRequested, this, [this] {
        m_dragged.reset();
        m_view->shareAxis().setRange(0, m_view->histogram().histogram().upper);
        updateLine();
        m_plot->replotSoon();
    });
    connect(&gestures, &PlotGestures::escaped, this, [this] {
        m_dragged.reset();
        updateLine();
        m_plot->replotMarks();
    });
}

int GatingPanel::layer() const {
    return m_layer->current() - 1;
}

void GatingPanel::setLayer(int layer) {
    m_layer->setCurrent(layer + 1);
}

QPointF GatingPanel::thresholdHandle() const {
    const double share = m_view->threshold().state().share;
    if (share < 0)
        return {-1, -1};
    return {m_view->shareAxis().coordToPixel(share), m_view->threshold().area().top()};
}

analysis::TokenRange GatingPanel::range(const analysis::Snapshot& snapshot) const {
    if (const auto& time = m_selection.timeRange())
        return analysis::tokensIn(snapshot, time->begin, time->end);
    const int routed = routedTokens(snapshot);
    return {std::max(0, routed - kWindow), routed};
}

void GatingPanel::refresh() {
    const analysis::SnapshotPtr snapshot = m_feed.snapshot();
    m_plot->setEmptyText(routedTokens(*snapshot) == 0
                             ? tr("How much weight each token gives to its further experts, and what gating "
                                  "drops of it. Send a message or open a session.")
                             : QString());
    QStringList layers{tr("all layers")};
    for (int i = 0; i < snapshot->layers; ++i)
        layers << tr("layer %1").arg(i);
    m_layer->setChoices(layers);
    if (const QString file = QString::fromStdString(snapshot->file); file != m_file) {
        m_file = file;
        m_dragged.reset();
    }
    const analysis::TokenRange tokens = range(*snapshot);
    GateFacts facts = gateFacts(*snapshot);
    if (m_dragged && std::abs(facts.threshold - *m_dragged) <= 1e-9 + 0.005 * *m_dragged && !m_plot->gestures().dragging())
        m_dragged.reset();
    m_adaptive->setVisible(!facts.adaptive() && snapshot->live);
    m_view->showLegend(m_adaptive->isHidden()); // in its place; and nothing is dropped then
    m_model->show(analysis::gateShares(*snapshot, tokens), facts);
    const double before = m_view->histogram().histogram().upper;
    const bool first = m_view->histogram().histogram().kept.empty();
    m_view->histogram().setHistogram(analysis::gateHistogram(*snapshot, tokens, layer(), kBins));
    const double upper = m_view->histogram().histogram().upper;
    if (first || upper != before)
        m_view->shareAxis().setRange(0, upper);
    m_plot->gestures().setHorizontalLimits(QCPRange(0, upper), upper / 20);
    m_view->layers().setChosen(layer());
    updateLine();
    updateCaption();
}

double GatingPanel::sensitivity() const {
    const auto& known = m_model->facts().sensitivities;
    const int at = layer();
    return at >= 0 && static_cast<std::size_t>(at) < known.size() ? known[static_cast<std::size_t>(at)]
                                                                  : meanSensitivity(known);
}

double GatingPanel::shownThreshold() const {
    return m_dragged.value_or(m_model->facts().threshold);
}

void GatingPanel::updateLine() {
    const GateFacts& facts = m_model->facts();
    ThresholdLine::State state;
    state.active = facts.adaptive();
    state.pending = m_dragged.has_value();
    const double threshold = shownThreshold();
    state.share = std::min(shareAtThreshold(threshold, sensitivity()), m_view->histogram().histogram().upper);
    state.words = tr("T %1").arg(QString::fromStdString(thresholdText(threshold)));
    if (const double dropped = wouldDrop(m_view->histogram().histogram(), state.share); state.pending && dropped >= 0)
        state.words += tr(" · drops %1").arg(format::percent(dropped));
    else if (!state.active)
        state.words += tr(" · not acting");
    if (layer() < 0)
        for (const double w : facts.sensitivities)
            state.layerShares.push_back(shareAtThreshold(threshold, w));
    m_view->threshold().setState(std::move(state));
}

void GatingPanel::updateCaption() {
    const auto& shares = m_model->shares();
    const auto at = layer() >= 0 ? static_cast<std::size_t>(layer()) : shares.size() - 1;
    QString caption = layer() < 0 ? tr("all layers") : tr("layer %1").arg(layer());
    if (at < shares.size() && shares[at].decisions > 0)
        caption = tr("%1 · %2 experts · %3 single")
                      .arg(caption, QString::number(shares[at].meanExperts, 'f', 2), format::percent(shares[at].singleShare));
    m_plot->setSummary(tr("%1; gate %2, threshold %3.")
                           .arg(caption, QString::fromStdString(m_model->facts().gate),
                                QString::fromStdString(thresholdText(m_model->facts().threshold))));
    if (caption != m_caption) {
        m_caption = caption;
        Q_EMIT captionChanged(caption);
    }
}

void GatingPanel::dragTo(double share) {
    m_dragged = thresholdAtShare(std::clamp(share, 0.0, m_view->histogram().histogram().upper), sensitivity());
    if (!m_sent.isValid() || m_sent.elapsed() >= kSendEveryMs)
        send(*m_dragged);
    updateLine();
    m_plot->replotMarks();
}

void GatingPanel::endDrag() {
    if (m_dragged)
        send(*m_dragged);
}

void GatingPanel::send(double threshold) {
    m_sent.start();
    if (m_feed.snapshot()->live)
        Q_EMIT m_commands.settingRequested(QStringLiteral("gate-threshold"), QString::fromStdString(thresholdText(threshold)));
}

void GatingPanel::hover(const QPointF& at) {
    const analysis::GateHistogram& histogram = m_view->histogram().histogram();
    const QRectF area = m_view->histogram().area();
    m_plot->plot().setCursor(m_view->threshold().hit(at) ? Qt::SplitHCursor : Qt::ArrowCursor);
    Selection::Target target;
    if (const int over = m_view->layers().layerAt(at); over >= 0) {
        const analysis::GateShare& share = m_model->shares()[static_cast<std::size_t>(over)];
        const bool all = over + 1 == m_model->rowCount();
        QString text = tr("<b>%1</b><br>%2 experts per token<br>%3 of %4 decisions ran one")
                           .arg(all ? tr("all layers") : tr("layer %1").arg(over), QString::number(share.meanExperts, 'f', 2),
                                format::percent(share.singleShare), format::count(share.decisions));
        if (!all && static_cast<std::size_t>(over) < m_model->facts().sensitivities.size())
            text += tr("<br>sensitivity %1").arg(m_model->facts().sensitivities[static_cast<std::size_t>(over)], 0, 'g', 3);
        m_plot->showReadout(at, text);
        if (!all)
            target.layer = trace::Layer(over);
    } else if (const int bin = m_view->histogram().binAt(at.x()); bin >= 0 && at.y() <= area.bottom() && at.y() >= area.top()) {
        const double width = histogram.upper / kBins;
        const auto index = static_cast<std::size_t>(bin);
        m_plot->showReadout(at, tr("<b>share %1 – %2</b><br>%3 ran, %4 dropped")
                                    .arg(QString::number(bin * width, 'f', 3), QString::number((bin + 1) * width, 'f', 3),
                                         format::count(histogram.kept[index]), format::count(histogram.dropped[index])));
    } else {
        m_plot->hideReadout();
    }
    m_selection.hover(target);
}

} // namespace moescope::ui

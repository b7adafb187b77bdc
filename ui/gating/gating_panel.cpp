#include "ui/gating/gating_panel.h"

#include "ui/background_task.h"
#include "ui/format.h"
#include "ui/gating/cost_model.h"
#include "ui/gating/gating_view.h"
#include "ui/gating_geometry.h"
#include "ui/plot/combo_button.h"
#include "ui/plot/plot_gestures.h"
#include "ui/plot/plot_widget.h"
#include "ui/plot/token_experts.h"

#include <QAction>
#include <QBoxLayout>
#include <QMenu>
#include <QToolButton>
#include <algorithm>

using namespace Qt::StringLiterals;

// What the gating panel shows; what the hand does on it is in gating_hand.cpp.
namespace moescope::ui {
namespace {
constexpr int kBins = 40;
constexpr int kWindow = 512; // newest tokens counted when no range is selected

std::vector<ThresholdLine::Band> hobbitBands(const analysis::GateHistogram& histogram) {
    const HobbitBands bands;
    const double skip = wouldDrop(histogram, bands.skipBelow);
    const double low = wouldDrop(histogram, bands.lowBelow);
    const auto words = [](const QString& name, double share) {
        return share < 0 ? name : u"%1 %2"_s.arg(name, format::percent(share));
    };
    return {{bands.skipBelow, words(QObject::tr("skip"), skip)},
            {bands.lowBelow, words(QObject::tr("low"), low - std::max(0.0, skip))},
            {histogram.upper, words(QObject::tr("high"), low < 0 ? -1 : 1 - low)}};
}

} // namespace

GatingPanel::GatingPanel(SessionFeed& feed, Selection& selection, Commands& commands, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_feed(feed), m_selection(selection), m_commands(commands), m_plot(new PlotWidget(theme, tr("Gating"))),
      m_model(new GatingModel(this)), m_costs(new CostModel(this)) {
    setWindowTitle(tr("Gating"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_plot);
    setFocusProxy(m_plot);
    m_plot->setTable(m_model);
    m_view = std::make_unique<GatingView>(m_plot->plot(), *m_model, theme);
    buildHeader();
    buildPresets();
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
    refit();
}

void GatingPanel::refit() {
    m_view->fit(height(), static_cast<GatingPage>(page()));
    m_plot->replotSoon();
}

void GatingPanel::buildHeader() {
    m_layer = new ComboButton(tr("Layer whose decisions are counted"), {tr("all layers")});
    m_page =
        new ComboButton(tr("What stands below the histogram, and in the table"), {tr("shares"), tr("sensitivity"), tr("cost")});
    m_presets = new QToolButton;
    m_presets->setProperty("flat", true);
    m_presets->setText(tr("presets ▾"));
    m_presets->setPopupMode(QToolButton::InstantPopup);
    m_presets->setFocusPolicy(Qt::TabFocus);
    m_presets->setToolTip(tr("Settings by what they do: thresholds do not travel between models"));
    m_presets->setAccessibleName(tr("Presets of the gate"));
    m_plot->header().insertWidget(0, m_layer);
    m_plot->header().insertWidget(1, m_page);
    m_plot->header().insertWidget(2, m_presets);
    connect(m_layer, &ComboButton::currentChanged, m_plot, &PlotWidget::markStaleNow);
    connect(m_page, &ComboButton::currentChanged, this, [this](int page) {
        m_plot->setTable(static_cast<GatingPage>(page) == GatingPage::Cost ? static_cast<QAbstractItemModel*>(m_costs)
                                                                           : m_model);
        refit();
    });
}

void GatingPanel::buildPresets() {
    auto* menu = new QMenu(m_presets);
    menu->setToolTipsVisible(true);
    for (int i = 0; i < kGatePresets; ++i) {
        const auto preset = static_cast<GatePreset>(i);
        if (preset == GatePreset::Hobbit)
            menu->addSeparator();
        QAction* action = menu->addAction(presetName(preset));
        action->setToolTip(presetTip(preset));
        action->setCheckable(true);
        m_presetActions << action;
        connect(action, &QAction::triggered, this, [this, preset] { choosePreset(preset); });
    }
    m_own = menu->addAction(tr("A threshold of its own for the chosen layer"));
    m_own->setCheckable(true);
    m_own->setToolTip(tr("The line then moves this layer's threshold only (setting gate-layers)"));
    connect(m_own, &QAction::triggered, this, &GatingPanel::setOwnThreshold);
    m_presets->setMenu(menu);
}

QAction* GatingPanel::presetAction(GatePreset preset) const {
    return m_presetActions[static_cast<int>(preset)];
}

int GatingPanel::layer() const {
    return m_layer->current() - 1;
}

void GatingPanel::setLayer(int layer) {
    m_layer->setCurrent(layer + 1);
}

int GatingPanel::page() const {
    return m_page->current();
}

void GatingPanel::setPage(int page) {
    m_page->setCurrent(page);
}

QPointF GatingPanel::thresholdHandle() const {
    const double share = m_view->threshold().state().share;
    if (share < 0)
        return {-1, -1};
    return {m_view->shareAxis().coordToPixel(share), m_view->threshold().area().top()};
}

const GateRule& GatingPanel::shownRule() const {
    return m_trial.active() ? m_trial.setting()->rule : m_model->facts().rule;
}

const policy::LayerOverrides& GatingPanel::shownOverrides() const {
    return m_trial.active() ? m_trial.setting()->overrides : m_model->facts().overrides;
}

double GatingPanel::shownThreshold() const {
    const policy::LayerOverrides& overrides = shownOverrides();
    if (const auto own = overrides.find(layer()); own != overrides.end())
        return own->second;
    return m_trial.active() ? m_trial.setting()->threshold : m_model->facts().threshold;
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
        m_trial.clear();
        m_message.clear();
        m_found.fill({});
        ++m_asked;
    }
    const analysis::TokenRange tokens = range(*snapshot);
    GateFacts facts = gateFacts(*snapshot, m_model->facts());
    if (!m_plot->gestures().dragging())
        m_trial.settle(facts);
    m_model->show(analysis::phaseShares(*snapshot, tokens), std::move(facts));
    refreshHistogram(*snapshot, tokens);
    refreshCosts(*snapshot);
    checkPresets(valuesOf(*snapshot));
    updateMarks();
}

void GatingPanel::refreshHistogram(const analysis::Snapshot& snapshot, const analysis::TokenRange& tokens) {
    const double before = m_view->histogram().histogram().upper;
    const bool first = m_view->histogram().histogram().kept.empty();
    m_view->histogram().setHistogram(analysis::gateHistogram(snapshot, tokens, layer(), kBins));
    const double upper = m_view->histogram().histogram().upper;
    if (first || upper != before)
        m_view->shareAxis().setRange(0, upper);
    m_plot->gestures().setHorizontalLimits(QCPRange(0, upper), upper / 20);
    m_view->setChosen(layer());
}

void GatingPanel::refreshCosts(const analysis::Snapshot& snapshot) {
    const GateFacts& facts = m_model->facts();
    if (m_costed == snapshot.calibration && m_costedGate == facts.gate)
        return;
    const bool other = m_costed != snapshot.calibration;
    m_costed = snapshot.calibration;
    m_costedGate = facts.gate;
    const policy::GateCosts costs = m_costed ? m_costed->costs : policy::GateCosts{};
    m_view->cost().setCosts(costs, facts.gate, facts.topK);
    if (other)
        m_costs->show(costs);
}

void GatingPanel::updateMarks() {
    const GateFacts& facts = m_model->facts();
    static const policy::GateCosts kNone;
    const policy::GateCosts& costs = m_costed ? m_costed->costs : kNone;
    m_expected = m_trial.expected(*m_feed.snapshot());
    const auto priced = [&](const QString& gate, double threshold, const policy::LayerOverrides& overrides, double mean) {
        return overrides.empty() ? costAt(costs, gate, threshold, facts.topK) : costAtMean(costs, gate, mean, facts.topK);
    };
    m_view->cost().setPresent(priced(facts.gate, facts.threshold, facts.overrides, m_model->shareOf(-1).meanExperts));
    if (m_trial.active()) {
        const GateTrial::Setting& setting = *m_trial.setting();
        m_view->cost().setTried(priced(setting.gate, setting.threshold, setting.overrides, m_expected.meanExperts));
    } else {
        m_view->cost().setTried(std::nullopt);
    }
    const auto& shown = m_trial.active() ? m_view->cost().tried() : m_view->cost().present();
    m_view->cost().setWords(shown ? costFigures(*shown) : QString(), shown ? costWords(*shown, costs) : QString());
    updateLine();
    updateCaption();
    const bool one = layer() >= 0 && shownRule().hasThreshold();
    m_own->setEnabled(one);
    m_own->setChecked(one && shownOverrides().contains(layer()));
}

QString GatingPanel::gateWords() const {
    const GateRule& rule = shownRule();
    if (!m_message.isEmpty())
        return m_message;
    if (!rule.hasThreshold())
        return tr("%1 runs every chosen expert").arg(rule.gate());
    if (m_trial.active())
        return u"%1 · %2"_s.arg(rule.valueText(shownThreshold()), headline(m_expected, m_model->facts().topK));
    QString words = rule.valueText(shownThreshold());
    if (!rule.missing().isEmpty())
        return rule.missing();
    if (!rule.placed())
        words = tr("%1: %2, no place on this axis").arg(rule.gate(), words);
    else if (rule.gate() == u"adapmoe-residency"_s)
        words += tr(" · if not resident");
    if (m_model->facts().phase != u"both"_s)
        words += tr(" · %1 only").arg(m_model->facts().phase);
    return words;
}

void GatingPanel::updateLine() {
    const GateRule& rule = shownRule();
    const double upper = m_view->histogram().histogram().upper;
    ThresholdLine::State state;
    state.active = rule.hasThreshold();
    state.pending = m_trial.active();
    state.words = gateWords();
    if (rule.placed()) {
        state.share = std::min(rule.shareAt(shownThreshold(), layer()), upper);
        const policy::LayerOverrides& overrides = shownOverrides();
        if (layer() < 0 && (!rule.sensitivity().empty() || !overrides.empty()))
            for (int i = 0; i < m_feed.snapshot()->layers; ++i) {
                const auto own = overrides.find(i);
                state.layerShares.push_back(rule.shareAt(own == overrides.end() ? shownThreshold() : own->second, i));
            }
    }
    if (presetAction(GatePreset::Hobbit)->isChecked()) {
        state.guidance = hobbitBands(m_view->histogram().histogram());
        state.guidanceName = tr("HOBBIT, guidance only");
    }
    m_view->threshold().setState(std::move(state));
}

void GatingPanel::updateCaption() {
    const analysis::GateShare& share = m_model->shareOf(layer());
    const int topK = m_model->facts().topK;
    QString caption = layer() < 0 ? QString() : tr("layer %1").arg(layer());
    if (share.decisions > 0)
        caption += (caption.isEmpty() ? QString() : u" · "_s) +
                   tr("%1 experts · %2 single · −%3")
                       .arg(QString::number(share.meanExperts, 'f', 2), format::percent(share.singleShare),
                            format::percent(std::max(0.0, 1 - share.meanExperts / topK)));
    m_plot->setSummary(tr("%1; gate %2; %3. %4 %5")
                           .arg(headline(share.meanExperts, share.singleShare, topK), m_model->facts().gate, gateWords(),
                                m_view->cost().figures(), m_view->cost().lossWords()));
    if (caption != m_caption) {
        m_caption = caption;
        Q_EMIT captionChanged(caption);
    }
}

void GatingPanel::choosePreset(GatePreset preset) {
    if (preset == GatePreset::Hobbit) {
        updateLine();
        m_plot->replotMarks();
        return;
    }
    m_message = tr("finding the threshold …");
    const int asked = ++m_asked;
    updateLine();
    m_plot->replotMarks();
    inBackground(
        *this,
        [preset, question = presetQuestion(*m_feed.snapshot(), m_model->facts().gate)] { return resolve(preset, question); },
        [this, preset, asked](const PresetAnswer& answer) {
            if (asked == m_asked)
                answerPreset(preset, answer);
        });
}

void GatingPanel::answerPreset(GatePreset preset, const PresetAnswer& answer) {
    m_message = answer.problem;
    if (answer.problem.isEmpty()) {
        m_found[static_cast<std::size_t>(preset)] = answer.values;
        GateTrial::Setting setting;
        setting.gate = answer.values.value(u"gate"_s);
        setting.threshold = answer.values.value(u"gate-threshold"_s, QString::number(m_model->facts().threshold)).toDouble();
        setting.overrides = policy::parseLayerOverrides(answer.values.value(u"gate-layers"_s).toStdString());
        if (!answer.values.contains(u"gate-layers"_s))
            setting.overrides = m_model->facts().overrides;
        setting.rule = GateRule(setting.gate, m_model->facts().known.get(), m_model->facts().topK);
        m_trial.set(std::move(setting));
        send(answer.values);
    }
    checkPresets(valuesOf(*m_feed.snapshot()));
    updateMarks();
    m_plot->replotSoon();
}

void GatingPanel::checkPresets(const ControlValues& inForce) {
    for (int i = 0; i < kGatePresets - 1; ++i) {
        const ControlValues& found = m_found[static_cast<std::size_t>(i)];
        const bool off = static_cast<GatePreset>(i) == GatePreset::Off && inForce.value(u"gate"_s) == u"topk"_s;
        m_presetActions[i]->setChecked(off || (!found.isEmpty() && matches({{}, {}, found}, inForce)));
    }
}

} // namespace moescope::ui

#include "engine/policy/cache_policy.h"
#include "profiler/analysis/recorded_decisions.h"
#include "ui/controls/control_prices.h"
#include "ui/controls/controls_panel.h"
#include "ui/controls/engine_options.h"
#include "ui/controls/setting_slider.h"
#include "ui/format.h"

#include <QCheckBox>
#include <QClipboard>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QGuiApplication>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSlider>
#include <QSpinBox>
#include <QStandardItemModel>
#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

using namespace Qt::StringLiterals;

// What the controls panel shows of the session; what it does is in controls_panel.cpp.
namespace moescope::ui {

namespace {

/// Probabilities that the gate's price is estimated on: some 8,000 decisions of 8 experts, a few milliseconds twice a second.
constexpr std::size_t kEstimateNumbers = 1U << 16U;

double linkGigabytes(const QString& link) {
    static const QMap<QString, double> kPresets = {
        {u"pcie3x4"_s, 3.5}, {u"pcie3x16"_s, 13.1}, {u"pcie4x16"_s, 25}, {u"pcie5x16"_s, 50}, {u"nvme7"_s, 7}};
    if (const auto preset = kPresets.find(link); preset != kPresets.end())
        return preset.value();
    return link.toDouble();
}

} // namespace

void ControlsPanel::readModel() {
    m_info = m_feed.snapshot()->info;
    m_known = m_feed.snapshot()->calibration;
    m_rule = {};
    offerGates();
}

void ControlsPanel::offerGates() {
    const auto snapshot = m_feed.snapshot();
    const int topK = snapshot->info ? snapshot->info->model.topK : 2;
    QComboBox& choice = *m_choices[u"gate"_s];
    for (int i = 0; i < choice.count(); ++i) {
        const GateRule rule(choice.itemText(i), m_known.get(), topK);
        const QString missing = snapshot->info ? rule.missing() : QString();
        choice.setItemData(i, missing.isEmpty() ? rule.meaning() : missing, Qt::ToolTipRole);
        if (auto* model = qobject_cast<QStandardItemModel*>(choice.model()))
            model->item(i)->setEnabled(missing.isEmpty());
    }
}

void ControlsPanel::refreshGate() {
    const auto snapshot = m_feed.snapshot();
    const QString gate = m_shown.value(u"gate"_s);
    if (m_rule.gate() != gate) {
        m_rule = GateRule(gate, m_known.get(), snapshot->info ? snapshot->info->model.topK : 2);
        m_threshold->setScale(m_rule.scale());
        m_threshold->slider().setToolTip(m_rule.meaning());
    }
    const double threshold = m_shown.value(u"gate-threshold"_s).toDouble();
    m_threshold->setValue(threshold, m_rule.valueText(threshold));
    if (!m_layers->hasFocus())
        m_layers->setText(m_shown.value(u"gate-layers"_s));
}

void ControlsPanel::refreshWeights() {
    const bool weighted = m_shown.value(u"cache"_s) == u"weighted"_s;
    if (m_weightRow->isHidden() == weighted)
        m_weightRow->setVisible(weighted);
    try {
        const policy::CacheWeights weights = policy::parseCacheWeights(m_shown.value(u"cache-weights"_s).toStdString());
        const std::array values{weights.lru, weights.lfu, weights.fld};
        for (qsizetype i = 0; i < m_weights.size(); ++i) {
            const QSignalBlocker quiet(m_weights[i]);
            if (!m_weights[i]->hasFocus())
                m_weights[i]->setValue(values[static_cast<std::size_t>(i)]);
        }
    } catch (const std::invalid_argument&) {
        return; // of another version of the program: what was shown stays
    }
}

void ControlsPanel::refreshSliders() {
    const auto snapshot = m_feed.snapshot();
    const int all = std::max(1, expertCount(*snapshot));
    const int layers = snapshot->info ? snapshot->info->model.layers : 0;
    const int slots = m_shown.value(u"cache-experts"_s).toInt();
    const QString link = m_shown.value(u"link"_s);
    refreshGate();
    refreshWeights();
    m_slots->setScale({SliderScale::Kind::Linear, static_cast<double>(std::min(layers, all)), static_cast<double>(all)});
    m_slots->setValue(slots > 0 ? slots : all, tr("%1 / %2").arg(slots > 0 ? std::min(slots, all) : all).arg(all));
    refreshPrefetch();
    const double gigabytes = linkGigabytes(link);
    m_link->setValue(gigabytes > 0 ? gigabytes : 64, gigabytes > 0 ? tr("%1 GB/s").arg(gigabytes) : tr("no limit"));
    for (auto at = m_choices.begin(); at != m_choices.end(); ++at)
        at.value()->setCurrentIndex(at.value()->findText(m_shown.value(at.key())));
}

void ControlsPanel::refreshPrices() {
    if (!isVisible() && !m_feed.snapshot()->info)
        return;
    const auto snapshot = m_feed.snapshot();
    refreshGatePrice();
    m_slots->setPrice(slotsPrice(*snapshot, m_shown.value(u"cache-experts"_s).toInt(), m_shown.value(u"cache"_s)));
    m_budget->setPrice(prefetchPrice(*snapshot));
    m_budget->slider().setToolTip(tr("Bytes that each layer of a decode step may fetch ahead"));
    m_link->setPrice(linkPrice(*snapshot));
}

void ControlsPanel::refreshPrefetch() {
    const QString budget = m_shown.value(u"prefetch-budget-mb"_s);
    const bool byLink = budget == u"auto"_s;
    if (!byLink)
        m_lastBudget = budget.toDouble();
    m_budget->setValue(m_lastBudget, byLink ? tr("auto") : tr("%1 MB").arg(format::number(m_lastBudget, 3)));
    m_auto->setChecked(byLink);
    for (auto at = m_switches.begin(); at != m_switches.end(); ++at)
        at.value()->setChecked(m_shown.value(at.key()) == u"on"_s);
    const QSignalBlocker quietDepth(m_depth);
    const QSignalBlocker quietSpare(m_spare);
    m_depth->setValue(m_shown.value(u"prefetch-depth"_s).toInt());
    m_spare->setValue(m_shown.value(u"prefetch-spare-steps"_s).toInt());
}

void ControlsPanel::refreshPrefetchBlocks(bool can) {
    const bool fetches = m_shown.value(u"prefetch"_s) != u"none"_s;
    const bool byLink = m_shown.value(u"prefetch-budget-mb"_s) == u"auto"_s;
    m_budget->setBlocked(!can || !fetches || byLink,
                         !can       ? QString()
                         : !fetches ? tr("nothing is fetched ahead; choose next-layer first")
                         : byLink   ? tr("what the link's spare time allows · %1").arg(prefetchPrice(*m_feed.snapshot()))
                                    : QString());
    m_depth->setEnabled(can && fetches);
    m_spare->setEnabled(can && fetches);
    m_auto->setEnabled(can && fetches);
    for (QCheckBox* box : std::as_const(m_switches))
        box->setEnabled(can && fetches);
}

void ControlsPanel::refreshGatePrice() {
    const auto snapshot = m_feed.snapshot();
    if (!m_decisions || m_decided != snapshot->choices.size()) {
        m_decisions = analysis::recordedDecisions(*snapshot, {0, std::numeric_limits<std::int32_t>::max()}, kEstimateNumbers);
        m_decided = snapshot->choices.size();
    }
    const int topK = snapshot->info ? std::max(1, snapshot->info->model.topK) : 2;
    std::vector<std::pair<std::string, std::string>> settings;
    for (const QString& name : {u"gate-threshold"_s, u"gate-layers"_s, u"gate-phase"_s})
        settings.emplace_back(name.toStdString(), m_shown.value(name).toStdString());
    const policy::GateParameters parameters = analysis::gateParameters(m_known.get(), settings);
    const GateEstimate expected = estimateGate(m_rule.gate(), parameters, *m_decisions);
    const analysis::Summary& summary = snapshot->summary;
    const QString sofar = headline(summary.meanExpertsPerTokenLayer, summary.singleExpertShare, topK);
    m_threshold->setPrice(expected.known() ? tr("≈ %1").arg(headline(expected, topK)) : sofar);
    if (!m_known || m_known->costs.points.empty()) {
        m_threshold->setNote({});
        return;
    }
    const auto cost = parameters.overrides.empty() ? costAt(m_known->costs, m_rule.gate(), parameters.threshold, topK)
                                                   : costAtMean(m_known->costs, m_rule.gate(), expected.meanExperts, topK);
    const QString loss = cost ? costWords(*cost, m_known->costs) : QString();
    m_threshold->setNote(cost ? costFigures(*cost) + (loss.isEmpty() ? QString() : u" · "_s + loss)
                              : tr("no quality measured for %1").arg(m_rule.gate()));
}

void ControlsPanel::refreshGateBlocks(bool can) {
    const bool gated = m_rule.hasThreshold();
    const QString missing = m_rule.missing();
    m_threshold->setBlocked(!can || !gated || !missing.isEmpty(),
                            !can     ? QString()
                            : !gated ? tr("topk runs every chosen expert; another gate has a threshold")
                                     : missing);
    m_choices[u"gate-phase"_s]->setEnabled(can && gated);
    m_layers->setEnabled(can && gated);
    m_layers->setToolTip(gated ? tr("Layers with a threshold of their own, as in 3:0.01,5-7:0.2; none: no layer has one")
                               : tr("%1 has no threshold").arg(m_rule.gate()));
    for (QDoubleSpinBox* box : std::as_const(m_weights))
        box->setEnabled(can);
}

void ControlsPanel::refreshBlocks() {
    const QString reason = blockedReason();
    const bool can = reason.isEmpty();
    m_reason->setText(reason);
    m_reason->setVisible(!can);
    m_slots->setBlocked(!can);
    m_link->setBlocked(!can);
    m_engineOptions->show(*m_feed.snapshot(), can);
    for (QComboBox* choice : std::as_const(m_choices))
        choice->setEnabled(can);
    refreshGateBlocks(can);
    refreshPrefetchBlocks(can);
    m_undoButton->setEnabled(can && m_undo.canUndo());
    m_redoButton->setEnabled(can && m_undo.canRedo());
    m_resetButton->setEnabled(can && m_shown != defaultValues());
    const QList<ControlPreset> presets = controlPresets();
    for (qsizetype i = 0; i < presets.size(); ++i) {
        m_presets[i]->setEnabled(can);
        m_presets[i]->setChecked(matches(presets[i], m_shown));
    }
    Q_EMIT captionChanged(can ? tr("acts on the next token") : tr("read-only"));
}

void ControlsPanel::copyCommandLine() const {
    const auto info = m_feed.snapshot()->info;
    QGuiApplication::clipboard()->setText(commandLine(m_shown, info ? QString::fromStdString(info->model.path) : QString()));
}

} // namespace moescope::ui

#include "ui/controls/control_prices.h"
#include "ui/controls/controls_panel.h"
#include "ui/controls/setting_slider.h"
#include "ui/format.h"

#include <QClipboard>
#include <QComboBox>
#include <QGuiApplication>
#include <QLabel>
#include <QPushButton>
#include <QSlider>
#include <QSpinBox>
#include <algorithm>

using namespace Qt::StringLiterals;

// What the controls panel shows of the session; what it does is in controls_panel.cpp.
namespace moescope::ui {

namespace {

double linkGigabytes(const QString& link) {
    static const QMap<QString, double> kPresets = {
        {u"pcie3x4"_s, 3.5}, {u"pcie3x16"_s, 13.1}, {u"pcie4x16"_s, 25}, {u"pcie5x16"_s, 50}, {u"nvme7"_s, 7}};
    if (const auto preset = kPresets.find(link); preset != kPresets.end())
        return preset.value();
    return link.toDouble();
}

} // namespace

void ControlsPanel::readSensitivities() {
    const auto snapshot = m_feed.snapshot();
    m_sensitivity = snapshot->info ? snapshot->info->sensitivity : std::vector<double>{};
    if (m_sensitivity.empty())
        return;
    // Where P_D is at its largest (all but the best of equal weights), a larger threshold changes nothing any more.
    const int topK = snapshot->info->model.topK;
    const double tail = topK > 1 ? 1.0 - 1.0 / topK : 0.5;
    const double most = *std::max_element(m_sensitivity.begin(), m_sensitivity.end()) * tail * tail;
    if (most > 0)
        m_threshold->setScale({SliderScale::Kind::Square, 0, rounded(most * 1.01)});
}

void ControlsPanel::refreshSliders() {
    const auto snapshot = m_feed.snapshot();
    const int all = std::max(1, expertCount(*snapshot));
    const int layers = snapshot->info ? snapshot->info->model.layers : 0;
    const int slots = m_shown.value(u"cache-experts"_s).toInt();
    const double threshold = m_shown.value(u"gate-threshold"_s).toDouble();
    const double budget = m_shown.value(u"prefetch-budget-mb"_s).toDouble();
    const QString link = m_shown.value(u"link"_s);
    m_threshold->setValue(threshold, format::number(threshold, 3));
    m_slots->setScale({SliderScale::Kind::Linear, static_cast<double>(std::min(layers, all)), static_cast<double>(all)});
    m_slots->setValue(slots > 0 ? slots : all, tr("%1 / %2").arg(slots > 0 ? std::min(slots, all) : all).arg(all));
    m_budget->setValue(budget, tr("%1 MB").arg(format::number(budget, 3)));
    const double gigabytes = linkGigabytes(link);
    m_link->setValue(gigabytes > 0 ? gigabytes : 64, gigabytes > 0 ? tr("%1 GB/s").arg(gigabytes) : tr("no limit"));
    for (auto at = m_choices.begin(); at != m_choices.end(); ++at)
        at.value()->setCurrentIndex(at.value()->findText(m_shown.value(at.key())));
    const QSignalBlocker quiet(m_depth);
    m_depth->setValue(m_shown.value(u"prefetch-depth"_s).toInt());
}

void ControlsPanel::refreshPrices() {
    if (!isVisible() && !m_feed.snapshot()->info)
        return;
    const auto snapshot = m_feed.snapshot();
    const double threshold = m_shown.value(u"gate-threshold"_s).toDouble();
    const QString rule = m_shown.value(u"gate"_s);
    // The estimate follows adapmoe's rule; for the other gates only what was measured is shown.
    const bool known = rule == u"adapmoe"_s || rule == u"topk"_s;
    const double expected = known ? expectedExperts(*snapshot, rule == u"adapmoe"_s ? threshold : 0, m_sensitivity) : -1;
    const double measured = snapshot->summary.meanExpertsPerTokenLayer;
    QString gate = expected > 0 ? tr("≈ %1 experts per token and layer").arg(QString::number(expected, 'f', 2)) : QString();
    if (measured > 0)
        gate += (gate.isEmpty() ? QString() : u" · "_s) + tr("%1 so far").arg(QString::number(measured, 'f', 2));
    m_threshold->setPrice(gate);
    m_slots->setPrice(slotsPrice(*snapshot, m_shown.value(u"cache-experts"_s).toInt()));
    m_budget->setPrice(prefetchPrice(*snapshot));
    m_budget->slider().setToolTip(tr("Bytes that each layer of a decode step may fetch ahead"));
    m_link->setPrice(linkPrice(*snapshot));
}

void ControlsPanel::refreshBlocks() {
    const QString reason = blockedReason();
    const bool can = reason.isEmpty();
    const bool gated = m_shown.value(u"gate"_s) != u"topk"_s;
    const bool fetches = m_shown.value(u"prefetch"_s) != u"none"_s;
    m_reason->setText(reason);
    m_reason->setVisible(!can);
    m_threshold->setBlocked(!can || !gated,
                            can && !gated ? tr("topk runs every chosen expert; choose adapmoe to set a threshold") : QString());
    m_slots->setBlocked(!can);
    m_budget->setBlocked(!can || !fetches,
                         can && !fetches ? tr("nothing is fetched ahead; choose next-layer first") : QString());
    m_link->setBlocked(!can);
    for (QComboBox* choice : std::as_const(m_choices))
        choice->setEnabled(can);
    m_depth->setEnabled(can && fetches);
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

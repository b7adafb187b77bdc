#include "ui/controls/controls_panel.h"

#include "ui/background_task.h"
#include "ui/controls/setting_sender.h"
#include "ui/controls/setting_slider.h"
#include "ui/controls/setting_undo.h"
#include "ui/gate_presets.h"

#include <QDateTime>
#include <QTimer>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {
constexpr qint64 kSameHandMs = 400;     // changes of another panel that follow this fast are one drag
constexpr int kAdoptedGroups = 1 << 20; // no group of this panel's own
} // namespace

ControlsPanel::ControlsPanel(SessionFeed& feed, Selection&, Commands& commands, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_feed(feed), m_commands(commands), m_theme(theme), m_sender(new SettingSender(commands, this)),
      m_shown(defaultValues()) {
    setWindowTitle(tr("Controls"));
    build();
    connect(&feed, &SessionFeed::snapshotChanged, this, &ControlsPanel::refresh);
    connect(&feed, &SessionFeed::followChanged, this, &ControlsPanel::refresh);
    connect(&commands, &Commands::settingRequested, this, &ControlsPanel::adopt);
    connect(&m_undo, &QUndoStack::indexChanged, this, &ControlsPanel::refreshBlocks);
    auto* prices = new QTimer(this);
    prices->setInterval(500);
    connect(prices, &QTimer::timeout, this, &ControlsPanel::refreshPrices);
    prices->start();
    refresh();
}

ControlsPanel::~ControlsPanel() {
    m_undo.disconnect(this); // it clears itself when it goes, after much of the panel has gone
}

void ControlsPanel::setEngine(bool ready, const QString& liveSession) {
    if (liveSession != m_liveSession)
        m_undo.clear();
    m_ready = ready;
    m_liveSession = liveSession;
    refresh();
}

QString ControlsPanel::blockedReason() const {
    const auto snapshot = m_feed.snapshot();
    if (!m_ready)
        return tr("No engine is running: nothing to change.");
    if (m_liveSession.isEmpty() || QString::fromStdString(snapshot->file) != m_liveSession)
        return tr("A replay shows what was set; go back to the live session to change it.");
    return {};
}

void ControlsPanel::refresh() {
    const auto snapshot = m_feed.snapshot();
    const QString file = QString::fromStdString(snapshot->file);
    const bool fresh = m_file != file || m_info != snapshot->info || m_known != snapshot->calibration;
    if (m_file != file)
        m_decisions.reset();
    m_file = file;
    if (fresh)
        readModel();
    const ControlValues inForce = valuesOf(*snapshot);
    const bool live = blockedReason().isEmpty();
    ControlValues shown = m_shown;
    for (auto at = inForce.begin(); at != inForce.end(); ++at) {
        if (!live || !m_sender->expects(at.key(), at.value()))
            shown[at.key()] = at.value();
    }
    if (!fresh && shown == m_shown && live == m_live)
        return;
    m_shown = shown;
    m_live = live;
    refreshSliders();
    refreshBlocks();
    refreshPrices();
}

void ControlsPanel::change(const QString& text, const ControlValues& values, int group) {
    ControlValues before;
    for (auto at = values.begin(); at != values.end(); ++at)
        before[at.key()] = m_shown.value(at.key());
    if (before == values)
        return;
    m_undo.push(new SettingUndo(text, group, before, values, [this](const ControlValues& wanted) { apply(wanted); }));
}

void ControlsPanel::changeOne(const QString& name, const QString& value, bool settled) {
    change(name, {{name, value}}, m_group);
    if (settled)
        ++m_group;
}

void ControlsPanel::apply(const ControlValues& values) {
    for (auto at = values.begin(); at != values.end(); ++at) {
        m_shown[at.key()] = at.value();
        if (m_adopting)
            m_sender->note(at.key(), at.value());
        else
            m_sender->send(at.key(), at.value());
    }
    refreshSliders();
    refreshBlocks();
    refreshPrices();
}

void ControlsPanel::adopt(const QString& name, const QString& value) {
    if (m_sender->sending() || !m_live || !m_shown.contains(name))
        return;
    const qint64 now = QDateTime::currentMSecsSinceEpoch();
    if (now - m_adoptedMs > kSameHandMs)
        ++m_adopted;
    m_adoptedMs = now;
    m_adopting = true;
    change(tr("gating"), {{name, value}}, kAdoptedGroups + m_adopted);
    m_adopting = false;
}

void ControlsPanel::choosePreset(const ControlPreset& preset) {
    if (!preset.byShare) {
        change(preset.name, preset.values);
        refreshBlocks();
        return;
    }
    PresetQuestion question = presetQuestion(*m_feed.snapshot(), m_rule.gate());
    if (!question.gate.startsWith(u"adapmoe"_s))
        question.gate = u"topk"_s; // the best of the family that the session knows enough for
    inBackground(
        *this, [question] { return resolve(GatePreset::PaperShare, question); },
        [this, preset](const PresetAnswer& answer) {
            ControlValues values = preset.values;
            if (answer.problem.isEmpty())
                values.insert(answer.values);
            else
                m_threshold->setNote(answer.problem);
            change(preset.name, values);
            refreshBlocks();
        });
}

void ControlsPanel::reset() {
    change(tr("reset"), defaultValues());
}

} // namespace moescope::ui

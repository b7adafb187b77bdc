#include "ui/controls/controls_panel.h"

#include "ui/controls/control_prices.h"
#include "ui/controls/setting_sender.h"
#include "ui/controls/setting_slider.h"
#include "ui/controls/setting_undo.h"
#include "ui/format.h"

#include <QComboBox>
#include <QPushButton>
#include <QSpinBox>
#include <QTimer>

using namespace Qt::StringLiterals;

namespace moescope::ui {

ControlsPanel::ControlsPanel(SessionFeed& feed, Selection&, Commands& commands, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_feed(feed), m_commands(commands), m_theme(theme), m_sender(new SettingSender(commands, this)),
      m_shown(defaultValues()) {
    setWindowTitle(tr("Controls"));
    build();
    connect(&feed, &SessionFeed::snapshotChanged, this, &ControlsPanel::refresh);
    connect(&feed, &SessionFeed::followChanged, this, &ControlsPanel::refresh);
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
    const bool fresh = m_file != QString::fromStdString(snapshot->file);
    if (fresh) {
        m_file = QString::fromStdString(snapshot->file);
        readSensitivities();
    }
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
        m_sender->send(at.key(), at.value());
    }
    refreshSliders();
    refreshBlocks();
    refreshPrices();
}

void ControlsPanel::reset() {
    change(tr("reset"), defaultValues());
}

} // namespace moescope::ui

#include "ui/status_line.h"

#include "profiler/analysis/device_words.h"
#include "ui/format.h"
#include "ui/live_label.h"

#include <QFileInfo>
#include <QHBoxLayout>
#include <QTimer>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {

constexpr std::size_t kRecentTokens = 48;

QString linkText(const analysis::Summary& summary) {
    if (summary.link.empty() || summary.link == "none")
        return StatusLine::tr("no link limit");
    const QString speed = format::bandwidth(summary.linkBytesPerSecond);
    return StatusLine::tr("link %1 (%2%3)")
        .arg(speed, QString::fromStdString(summary.link), summary.emulated ? StatusLine::tr(", emulated") : QString());
}

/// Empty for a session whose device was not traced.
QString tracerText(const analysis::DeviceTraffic& device) {
    if (device.level == 0)
        return {};
    QString text = StatusLine::tr("tracer L%1").arg(device.level);
    if (device.counters.readings > 0)
        text += StatusLine::tr(" + counters");
    if (!device.overhead.empty())
        text += StatusLine::tr(" (%1 %)").arg(analysis::overheadShare(device.overhead.back()) * 100, 0, 'f', 1);
    if (device.recordsLost > 0)
        text += StatusLine::tr(", %1 records lost").arg(format::count(device.recordsLost));
    return text;
}

QString tracerTip(const analysis::Snapshot& snapshot) {
    const session::TracerFacts& facts = snapshot.info->tracer;
    QStringList lines{QString::fromStdString(facts.status)};
    if (!facts.counters.empty())
        lines << QString::fromStdString(facts.counters);
    if (snapshot.device.level > 0 && snapshot.device.overhead.empty())
        lines << StatusLine::tr("What that costs was not measured in this session; record --trace-overhead does.");
    return lines.join(u'\n');
}

/// What was planned in the GPU's memory, by name, the slots as they are now last. Empty where no GPU computed.
QList<std::pair<QString, qint64>> devicePlan(const analysis::Snapshot& snapshot) {
    QList<std::pair<QString, qint64>> parts;
    if (snapshot.info->machine.deviceBytes <= 0)
        return parts;
    for (const QString& part : QString::fromStdString(snapshot.info->machine.devicePlan).split(u", "_s, Qt::SkipEmptyParts))
        parts.append({part.section(u'=', 0, 0), part.section(u'=', 1).toLongLong()});
    parts.append(
        {StatusLine::tr("%1 expert slots").arg(snapshot.slotsTotal), snapshot.slotsTotal * snapshot.info->model.expertBytes});
    return parts;
}

QString deviceMemoryText(const analysis::Snapshot& snapshot) {
    qint64 planned = 0;
    for (const auto& part : devicePlan(snapshot))
        planned += part.second;
    return planned > 0
               ? StatusLine::tr("VRAM %1 of %2").arg(format::bytes(planned), format::bytes(snapshot.info->machine.deviceBytes))
               : QString();
}

QString deviceMemoryTip(const analysis::Snapshot& snapshot) {
    QStringList lines{StatusLine::tr("Planned in the GPU's memory:")};
    for (const auto& [name, bytes] : devicePlan(snapshot))
        lines << StatusLine::tr("%1: %2").arg(name, format::bytes(bytes));
    if (snapshot.device.gpuSampled)
        lines << StatusLine::tr("In use by all programs, as the driver says: %1")
                     .arg(format::bytes(snapshot.device.gpu.memoryUsedBytes));
    return lines.join(u'\n');
}

} // namespace

double recentTokensPerSecond(const analysis::Snapshot& snapshot) {
    if (snapshot.turns.empty())
        return 0;
    const analysis::TurnRecord& turn = snapshot.turns.back();
    const auto& tokens = snapshot.tokens;
    std::size_t first = tokens.size();
    while (first > 0 && tokens.size() - first < kRecentTokens && tokens[first - 1].turn == turn.turn &&
           tokens[first - 1].role == analysis::TokenRole::Generated)
        --first;
    const std::size_t count = tokens.size() - first;
    if (count < 2)
        return turn.decodeTokensPerSecond;
    const double seconds = static_cast<double>(tokens.back().at - tokens[first].at) / 1e9;
    return seconds > 0 ? static_cast<double>(count - 1) / seconds : 0;
}

StatusLine::StatusLine(SessionFeed& feed, const Theme& theme, QWidget* parent)
    : QFrame(parent), m_feed(feed), m_theme(theme), m_sizeTimer(new QTimer(this)) {
    setObjectName(u"statusLine"_s);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(16, 5, 16, 5);
    row->setSpacing(20);
    for (LiveLabel*& field : m_fields) {
        field = new LiveLabel(theme, Theme::Role::Ink, theme.caption(), LiveLabel::Fit::Grow, this);
        row->addWidget(field);
    }
    row->addStretch(1);
    m_sizeTimer->setInterval(1000);
    connect(m_sizeTimer, &QTimer::timeout, this, &StatusLine::refreshSize);
    m_sizeTimer->start();
    connect(&feed, &SessionFeed::snapshotChanged, this, &StatusLine::refresh);
    connect(&feed, &SessionFeed::followChanged, this, &StatusLine::refresh);
    connect(&feed, &SessionFeed::opened, this, &StatusLine::refreshSize);
    connect(&theme, &Theme::changed, this, &StatusLine::refresh);
    refresh();
}

void StatusLine::setEngine(const EngineState& state) {
    m_engine = state;
    refresh();
}

void StatusLine::setLiveSession(const QString& path) {
    m_liveSession = path;
    refresh();
}

QString StatusLine::text() const {
    QStringList parts;
    for (const LiveLabel* field : m_fields) {
        if (!field->text().isEmpty())
            parts << field->text();
    }
    return parts.join(u"  "_s);
}

void StatusLine::put(Field field, const QString& text, const QString& tip) {
    m_fields[field]->setText(text);
    if (m_fields[field]->isHidden() != text.isEmpty())
        m_fields[field]->setVisible(!text.isEmpty());
    if (m_fields[field]->toolTip() != tip)
        m_fields[field]->setToolTip(tip);
}

void StatusLine::paintSource(const analysis::Snapshot& snapshot) {
    using Role = Theme::Role;
    const QString file = QString::fromStdString(snapshot.file);
    QString words = tr("no session");
    Role role = Role::Muted;
    if (snapshot.info) {
        const QString device = QString::fromStdString(snapshot.info->machine.device).section(u' ', 0, 0);
        const bool live = !file.isEmpty() && file == m_liveSession;
        if (live && m_feed.following()) {
            words = tr("%1 live").arg(device);
            role = Role::Good;
        } else if (live) {
            words = tr("%1 live, view paused").arg(device);
            role = Role::Warning;
        } else {
            words = snapshot.info->origin == session::Origin::Recorded ? tr("%1 replay").arg(device) : tr("modelled");
            role = Role::Accent;
        }
    }
    m_fields[Source]->setDot(role);
    put(Source, words, snapshot.info ? QString::fromStdString(snapshot.info->machine.device) : QString());
}

void StatusLine::refresh() {
    const auto snapshot = m_feed.snapshot();
    const analysis::Summary& summary = snapshot->summary;
    paintSource(*snapshot);
    if (QString::fromStdString(snapshot->file) != m_sizeOf)
        refreshSize();
    if (!snapshot->info) {
        for (const Field field : {Speed, Hits, Link, Overlap, Stall, Tracer, Losses, Memory, DeviceMemory})
            put(field, {});
    } else {
        const double speed = recentTokensPerSecond(*snapshot);
        put(Speed, speed > 0 ? tr("%1 tok/s").arg(format::rate(speed)) : tr("– tok/s"),
            tr("over the last tokens of the answer"));
        put(Hits, tr("hit %1 (optimum %2)").arg(format::share(summary.hitRate), format::share(summary.optimumHitRate)),
            tr("Expert cache hit rate; the optimum is what an oracle would reach with the same slots"));
        put(Link, linkText(summary), tr("Bytes a second while the link was busy"));
        put(Overlap, tr("overlap %1").arg(format::percent(summary.overlapShare)),
            tr("Share of the transfer time that compute did not wait for"));
        put(Stall, tr("stall %1/token").arg(format::milliseconds(summary.stallMsPerToken)),
            tr("Time that compute waited for experts"));
        put(Tracer, tracerText(snapshot->device), tracerTip(*snapshot));
        put(Losses, tr("%1 events lost").arg(format::count(summary.eventsLost)),
            tr("%1 events recorded").arg(format::count(summary.events)));
        put(Memory, summary.hostResidentBytes > 0 ? tr("RAM %1").arg(format::bytes(summary.hostResidentBytes)) : QString(),
            tr("Resident memory of the engine's process"));
        put(DeviceMemory, deviceMemoryText(*snapshot), deviceMemoryTip(*snapshot));
    }
    const bool running = m_engine.phase == EngineState::Phase::Starting || m_engine.phase == EngineState::Phase::Ready;
    put(Engine, running ? tr("engine pid %1 · %2").arg(m_engine.pid).arg(m_engine.text)
                        : (m_engine.text.isEmpty() ? tr("no engine") : tr("engine: %1").arg(m_engine.text)));
}

void StatusLine::refreshSize() {
    const QString file = QString::fromStdString(m_feed.snapshot()->file);
    m_sizeOf = file;
    if (file.isEmpty()) {
        put(Size, {});
        return;
    }
    const qint64 bytes = QFileInfo(file).size() + QFileInfo(file + u"-wal"_s).size();
    put(Size, tr("session %1").arg(format::bytes(bytes)), file);
}

} // namespace moescope::ui

#include "ui/timeline/timeline_model.h"

#include "profiler/session/lane_items.h"
#include "ui/format.h"
#include "ui/plot/pass_lookup.h"

#include <QRegularExpression>
#include <algorithm>
#include <iterator>

using namespace Qt::StringLiterals;

namespace moescope::ui {

using session::Lane;

QString laneName(Lane lane) {
    switch (lane) {
    case Lane::Tokens:
        return QObject::tr("tokens");
    case Lane::Layers:
        return QObject::tr("layers");
    case Lane::Stages:
        return QObject::tr("compute");
    case Lane::CopyDemand:
        return QObject::tr("copy: demand");
    case Lane::CopyPrefetch:
        return QObject::tr("copy: prefetch");
    case Lane::Stalls:
        return QObject::tr("stalls");
    case Lane::CopyOther:
        return QObject::tr("copy: other");
    case Lane::ToDevice:
        return QObject::tr("GPU: copies in");
    case Lane::OtherDeviceCopies:
        return QObject::tr("GPU: other");
    case Lane::Kernels:
        return QObject::tr("GPU: kernels");
    case Lane::InPlace:
        return QObject::tr("CPU: experts");
    case Lane::LinkIn:
        return QObject::tr("GPU: link in");
    case Lane::LinkOut:
        return QObject::tr("GPU: link out");
    case Lane::MemoryBusy:
        return QObject::tr("GPU: memory");
    case Lane::Multiprocessors:
        return QObject::tr("GPU: SMs");
    case Lane::TensorPipes:
        return QObject::tr("GPU: tensor");
    }
    return {};
}

QString barMeaning(Lane lane, std::int32_t key) {
    static const char* const kStages[] = {QT_TR_NOOP("step"),   QT_TR_NOOP("embedding"), QT_TR_NOOP("attention"),
                                          QT_TR_NOOP("router"), QT_TR_NOOP("experts"),   QT_TR_NOOP("output"),
                                          QT_TR_NOOP("sampler")};
    static const char* const kCopies[] = {QT_TR_NOOP("demand"),           QT_TR_NOOP("prefetch, used"),
                                          QT_TR_NOOP("prefetch, wasted"), QT_TR_NOOP("prefetch, not yet decided"),
                                          QT_TR_NOOP("allocation"),       QT_TR_NOOP("unattributed"),
                                          QT_TR_NOOP("cancelled")};
    static const char* const kDeviceCopies[] = {QT_TR_NOOP("an expert's bytes"), QT_TR_NOOP("in a pass"),
                                                QT_TR_NOOP("outside a pass")};
    switch (lane) {
    case Lane::Tokens:
        return key == static_cast<int>(trace::Phase::Prefill) ? QObject::tr("prefill") : QObject::tr("decode");
    case Lane::Layers:
        return QObject::tr("layer %1").arg(key);
    case Lane::Stages:
        return key >= 0 && key < 7 ? QObject::tr(kStages[key]) : QObject::tr("unknown");
    case Lane::Stalls:
        return QObject::tr("exposed wait");
    case Lane::CopyDemand:
    case Lane::CopyPrefetch:
    case Lane::CopyOther:
        return key >= 0 && key < 7 ? QObject::tr(kCopies[key]) : QObject::tr("unknown");
    case Lane::ToDevice:
    case Lane::OtherDeviceCopies:
        return key >= 0 && key < 3 ? QObject::tr(kDeviceCopies[key]) : QObject::tr("unknown");
    case Lane::Kernels:
        return QObject::tr("kernel");
    case Lane::InPlace:
        return QObject::tr("a missed expert, computed by the processor");
    case Lane::LinkIn:
        return QObject::tr("counted from the host");
    case Lane::LinkOut:
        return QObject::tr("counted to the host");
    case Lane::MemoryBusy:
        return QObject::tr("share of the memory's most, counted");
    case Lane::Multiprocessors:
        return QObject::tr("multiprocessors with work, counted");
    case Lane::TensorPipes:
        return QObject::tr("tensor pipes at work, counted");
    }
    return {};
}

namespace {

QString eventWords(const trace::Event& event) {
    const auto expertText = [](const trace::ExpertKey& key) {
        return QObject::tr("layer %1 · expert %2").arg(key.layer.value).arg(key.expert.value);
    };
    if (const auto* transfer = std::get_if<trace::TransferSpan>(&event))
        return QObject::tr("%1 · waited %2 in the queue")
            .arg(expertText(transfer->key), format::duration(transfer->begin - transfer->queuedAt));
    if (const auto* stall = std::get_if<trace::StallSpan>(&event))
        return QObject::tr("for %1").arg(expertText(stall->key));
    return {};
}

} // namespace

bool counted(Lane lane) {
    return lane == Lane::MemoryBusy || lane == Lane::Multiprocessors || lane == Lane::TensorPipes;
}

std::vector<Lane> shownLanes(const TimelineWindow& window, const std::vector<Lane>& before) {
    std::vector<Lane> lanes = {Lane::Tokens, Lane::Layers, Lane::Stages, Lane::CopyDemand, Lane::CopyPrefetch, Lane::Stalls};
    const auto has = [&](Lane lane) {
        return std::find(before.begin(), before.end(), lane) != before.end() ||
               std::any_of(window.lanes.begin(), window.lanes.end(),
                           [&](const TimelineWindow::LaneBars& bars) { return bars.lane == lane && !bars.bars.empty(); });
    };
    if (has(Lane::CopyOther))
        lanes.insert(lanes.end() - 1, Lane::CopyOther);
    // The counters' bytes are the curve below, not lanes.
    for (const Lane lane : {Lane::ToDevice, Lane::OtherDeviceCopies, Lane::Kernels, Lane::InPlace, Lane::Multiprocessors,
                            Lane::MemoryBusy, Lane::TensorPipes})
        if (has(lane))
            lanes.push_back(lane);
    return lanes;
}

QString barReadout(const analysis::Snapshot& snapshot, Lane lane, const session::LaneBar& bar, const trace::Event* event) {
    QString title = barMeaning(lane, bar.colourKey);
    const auto kernel = static_cast<std::size_t>(bar.colourKey);
    if (lane == Lane::Kernels && bar.colourKey >= 0 && kernel < snapshot.device.kernelNames.size())
        title = QString::fromStdString(snapshot.device.kernelNames[kernel]).toHtmlEscaped();
    QStringList lines{QObject::tr("begins %1 ms · lasts %2")
                          .arg(static_cast<double>(bar.begin) / 1e6, 0, 'f', 3)
                          .arg(format::duration(bar.end - bar.begin))};
    const int index = passAt(snapshot, bar.begin);
    if (index >= 0) {
        const analysis::PassRecord& pass = snapshot.passes[static_cast<std::size_t>(index)];
        if (pass.end >= bar.begin)
            title += QObject::tr(" · token %1 “%2”").arg(pass.firstToken.value).arg(passText(snapshot, pass).toHtmlEscaped());
        if (lane == Lane::Tokens && bar.count == 1)
            lines << QObject::tr("stalled %1 · %2 misses · %3")
                         .arg(format::duration(pass.stallNs))
                         .arg(pass.misses)
                         .arg(format::bytes(pass.bytesDemand + pass.bytesPrefetch));
    }
    lines.prepend(u"<b>%1</b>"_s.arg(title));
    const auto length = static_cast<double>(std::max<trace::TimeNs>(1, bar.end - bar.begin));
    if (counted(lane))
        lines << QObject::tr("%n reading(s): %1 of the time", nullptr, bar.count)
                     .replace(QObject::tr("reading(s)"), bar.count == 1 ? QObject::tr("reading") : QObject::tr("readings"))
                     .arg(format::percent(static_cast<double>(bar.busyNs) / length));
    else if (bar.count > 1)
        lines << QObject::tr("%1 spans, busy %2 (%3)")
                     .arg(bar.count)
                     .arg(format::duration(bar.busyNs), format::percent(static_cast<double>(bar.busyNs) / length));
    if (event != nullptr)
        lines << eventWords(*event);
    if (bar.bytes > 0)
        lines << QObject::tr("%1 · %2").arg(format::bytes(bar.bytes),
                                            format::bandwidth(static_cast<double>(bar.bytes) * 1e9 /
                                                              static_cast<double>(std::max<trace::TimeNs>(1, bar.busyNs))));
    lines.removeAll(QString());
    return lines.join(u"<br>"_s);
}

QString markerKind(TimelineMarker::Kind kind) {
    switch (kind) {
    case TimelineMarker::Kind::Setting:
        return QObject::tr("setting changed");
    case TimelineMarker::Kind::Note:
        return QObject::tr("note");
    case TimelineMarker::Kind::Failure:
        return QObject::tr("failure");
    }
    return {};
}

std::vector<TimelineMarker> timelineMarkers(const analysis::Snapshot& snapshot) {
    using Kind = TimelineMarker::Kind;
    std::vector<TimelineMarker> markers;
    for (const analysis::SettingChangeRecord& change : snapshot.changes)
        markers.push_back({Kind::Setting, change.at,
                           QObject::tr("%1 %2 → %3")
                               .arg(QString::fromStdString(change.name), QString::fromStdString(change.before),
                                    QString::fromStdString(change.after))});
    for (const analysis::NoteRecord& note : snapshot.notes)
        markers.push_back({note.failure ? Kind::Failure : Kind::Note, note.at, QString::fromStdString(note.text)});
    std::stable_sort(markers.begin(), markers.end(),
                     [](const TimelineMarker& a, const TimelineMarker& b) { return a.at < b.at; });
    return markers;
}

TimelineSearch parseSearch(const QString& words) {
    using Kind = TimelineSearch::Kind;
    static const QRegularExpression kExpert(u"^(?:l(?:ayer)?\\s*)?(\\d+)\\s*(?:[.:/]|\\s*e(?:xpert)?\\s*)\\s*(\\d+)$"_s,
                                            QRegularExpression::CaseInsensitiveOption);
    static const QRegularExpression kLayer(u"^l(?:ayer)?\\s*(\\d+)$"_s, QRegularExpression::CaseInsensitiveOption);
    const QString text = words.trimmed();
    if (text.isEmpty())
        return {};
    if (const auto match = kExpert.match(text); match.hasMatch())
        return {Kind::Expert, text, match.captured(1).toInt(), match.captured(2).toInt()};
    if (const auto match = kLayer.match(text); match.hasMatch())
        return {Kind::Layer, text, match.captured(1).toInt(), -1};
    const QString lower = text.toLower();
    if (lower == u"demand"_s || lower == u"miss"_s)
        return {Kind::Demand, text, -1, -1};
    if (lower == u"prefetch"_s)
        return {Kind::Prefetch, text, -1, -1};
    if (lower == u"stall"_s || lower == u"wait"_s)
        return {Kind::Stall, text, -1, -1};
    if (lower == u"note"_s || lower == u"marker"_s)
        return {Kind::Note, text, -1, -1};
    return {Kind::Text, text, -1, -1};
}

namespace {

bool choseExpert(const analysis::Snapshot& s, const analysis::PassRecord& pass, int layer, int expert) {
    if (layer < 0 || layer >= s.layers)
        return false;
    for (std::int32_t token = pass.firstToken.value; token < pass.firstToken.value + pass.tokens; ++token) {
        const auto index =
            static_cast<std::size_t>(token) * static_cast<std::size_t>(s.layers) + static_cast<std::size_t>(layer);
        if (token < 0 || index >= s.choices.size())
            break;
        const analysis::ChoiceRecord& choice = s.choices[index];
        const auto end = choice.ids.begin() + choice.kept;
        if (std::find(choice.ids.begin(), end, static_cast<std::uint16_t>(expert)) != end)
            return true;
    }
    return false;
}

bool hasText(const analysis::Snapshot& s, const analysis::PassRecord& pass, const QString& text) {
    for (std::int32_t token = pass.firstToken.value; token < pass.firstToken.value + pass.tokens; ++token)
        if (token >= 0 && static_cast<std::size_t>(token) < s.tokens.size() &&
            QString::fromStdString(s.tokens[static_cast<std::size_t>(token)].text).contains(text, Qt::CaseInsensitive))
            return true;
    return false;
}

/// Whether a marker with these words (any, where they are empty) stands in the pass, or between it and the next one.
bool hasMarker(const analysis::Snapshot& s, const analysis::PassRecord& pass, const QString& text) {
    const auto stands = [&](trace::TimeNs at, const QString& words) {
        const int index = passAt(s, at);
        return index >= 0 && s.passes[static_cast<std::size_t>(index)].begin == pass.begin &&
               words.contains(text, Qt::CaseInsensitive);
    };
    return std::any_of(s.changes.begin(), s.changes.end(),
                       [&](const auto& change) { return stands(change.at, QString::fromStdString(change.name)); }) ||
           std::any_of(s.notes.begin(), s.notes.end(),
                       [&](const auto& note) { return stands(note.at, QString::fromStdString(note.text)); });
}

bool matches(const analysis::Snapshot& s, const analysis::PassRecord& pass, const TimelineSearch& search) {
    using Kind = TimelineSearch::Kind;
    switch (search.kind) {
    case Kind::None:
        return false;
    case Kind::Text:
        return hasText(s, pass, search.text) || hasMarker(s, pass, search.text);
    case Kind::Note:
        return hasMarker(s, pass, {});
    case Kind::Layer:
        return search.layer < s.layers;
    case Kind::Expert:
        return choseExpert(s, pass, search.layer, search.expert);
    case Kind::Demand:
        return pass.bytesDemand > 0;
    case Kind::Prefetch:
        return pass.bytesPrefetch > 0;
    case Kind::Stall:
        return pass.stallNs > 0;
    }
    return false;
}

} // namespace

int findPass(const analysis::Snapshot& snapshot, const TimelineSearch& search, int from, bool backwards) {
    const int count = static_cast<int>(snapshot.passes.size());
    for (int step = 1; step <= count; ++step) {
        const int offset = backwards ? from - step : from + step;
        const int index = ((offset % count) + count) % count;
        if (matches(snapshot, snapshot.passes[static_cast<std::size_t>(index)], search))
            return index;
    }
    return -1;
}

int countMatches(const analysis::Snapshot& snapshot, const TimelineSearch& search) {
    int count = 0;
    for (std::size_t i = 0; i < snapshot.passes.size(); ++i)
        count += matches(snapshot, snapshot.passes[i], search) ? 1 : 0;
    return count;
}

RangeFigures rangeFigures(const analysis::Snapshot& snapshot, const TimelineWindow& window, const TimeSpan& range) {
    RangeFigures figures;
    for (std::size_t i = 0; i < snapshot.passes.size(); ++i) {
        const analysis::PassRecord& pass = snapshot.passes[i];
        if (pass.end <= range.begin || pass.begin >= range.end)
            continue;
        figures.tokens += pass.tokens;
        figures.bytes += pass.bytesDemand + pass.bytesPrefetch;
    }
    if (range.begin < window.begin || range.end > window.end)
        return figures;
    figures.stalls = 0;
    for (const TimelineWindow::LaneBars& lane : window.lanes)
        if (lane.lane == Lane::Stalls)
            for (const session::LaneBar& bar : lane.bars)
                if (bar.end > range.begin && bar.begin < range.end)
                    figures.stalls += bar.count;
    return figures;
}

void TimelineModel::setWindow(TimelineWindowPtr window, const std::vector<TimelineMarker>& markers) {
    beginResetModel();
    m_window = std::move(window);
    m_ends.clear();
    int rows = 0;
    for (const TimelineWindow::LaneBars& lane : m_window->lanes)
        m_ends.push_back(rows += static_cast<int>(lane.bars.size()));
    m_markers.clear();
    std::copy_if(markers.begin(), markers.end(), std::back_inserter(m_markers),
                 [this](const TimelineMarker& marker) { return marker.at >= m_window->begin && marker.at < m_window->end; });
    endResetModel();
}

int TimelineModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : bars() + static_cast<int>(m_markers.size());
}

int TimelineModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : 7;
}

std::pair<Lane, const session::LaneBar*> TimelineModel::barOf(int row) const {
    const auto lane = static_cast<std::size_t>(std::upper_bound(m_ends.begin(), m_ends.end(), row) - m_ends.begin());
    const int before = lane == 0 ? 0 : m_ends[lane - 1];
    const TimelineWindow::LaneBars& bars = m_window->lanes[lane];
    return {bars.lane, &bars.bars[static_cast<std::size_t>(row - before)]};
}

QVariant TimelineModel::markerFigure(const TimelineMarker& marker, int column, bool raw) const {
    const double at = static_cast<double>(marker.at) / 1e6;
    switch (column) {
    case 0:
        return markerKind(marker.kind);
    case 1:
        return marker.words;
    case 2:
        return raw ? QVariant(at) : QVariant(QString::number(at, 'f', 3));
    default:
        return {};
    }
}

QVariant TimelineModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid())
        return {};
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>((index.column() < 2 ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    if (role != Qt::DisplayRole && role != Qt::EditRole)
        return {};
    const bool raw = role == Qt::EditRole;
    if (index.row() >= bars())
        return markerFigure(m_markers[static_cast<std::size_t>(index.row() - bars())], index.column(), raw);
    const auto [lane, bar] = barOf(index.row());
    switch (index.column()) {
    case 0:
        return laneName(lane);
    case 1:
        return barMeaning(lane, bar->colourKey);
    case 2:
        return raw ? QVariant(static_cast<double>(bar->begin) / 1e6)
                   : QVariant(QString::number(static_cast<double>(bar->begin) / 1e6, 'f', 3));
    case 3:
        return raw ? QVariant(static_cast<double>(bar->end - bar->begin) / 1e6) : format::duration(bar->end - bar->begin);
    case 4:
        return raw ? QVariant(static_cast<double>(bar->busyNs) / 1e6) : format::duration(bar->busyNs);
    case 5:
        return bar->count;
    default:
        if (raw)
            return static_cast<qlonglong>(bar->bytes);
        return bar->bytes > 0 ? format::bytes(bar->bytes) : QString();
    }
}

QVariant TimelineModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (role != Qt::DisplayRole || orientation != Qt::Horizontal)
        return {};
    static const char* const kNames[] = {QT_TR_NOOP("lane"),          QT_TR_NOOP("meaning"),   QT_TR_NOOP("begin (ms)"),
                                         QT_TR_NOOP("duration (ms)"), QT_TR_NOOP("busy (ms)"), QT_TR_NOOP("spans"),
                                         QT_TR_NOOP("bytes")};
    return tr(kNames[section]);
}

} // namespace moescope::ui

#include "ui/timeline/timeline_panel.h"

#include "profiler/analysis/link_speed.h"
#include "ui/format.h"
#include "ui/plot/pass_lookup.h"
#include "ui/plot/plot_gestures.h"
#include "ui/plot/plot_widget.h"
#include "ui/timeline/timeline_model.h"
#include "ui/timeline/timeline_view.h"

#include <QBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QShortcut>
#include <QToolButton>
#include <algorithm>
#include <cmath>

using namespace Qt::StringLiterals;

namespace moescope::ui {
namespace {

using session::Lane;

constexpr qint64 kHoldMs = 2500; // after the pointer last moved
constexpr qint64 kTableEveryMs = 1000;
constexpr double kNarrowestMs = 0.005;
constexpr trace::TimeNs kLeastWidth = 1'000'000;

trace::TimeNs ns(double milliseconds) {
    return static_cast<trace::TimeNs>(milliseconds * 1e6);
}

QString settingOf(const analysis::Snapshot& snapshot, std::string_view name) {
    for (const auto& [key, value] : snapshot.settings)
        if (key == name)
            return QString::fromStdString(value);
    return {};
}

QString markerReadout(const TimelineMarker& marker) {
    return u"<b>%1 · %2 ms</b><br>%3"_s.arg(markerKind(marker.kind), QString::number(ms(marker.at), 'f', 1),
                                            marker.words.toHtmlEscaped());
}

} // namespace

TimelinePanel::TimelinePanel(SessionFeed& feed, Selection& selection, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_feed(feed), m_selection(selection), m_plot(new PlotWidget(theme, tr("Timeline"))),
      m_model(new TimelineModel(this)) {
    setWindowTitle(tr("Timeline"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_plot);
    setFocusProxy(m_plot);
    m_plot->setTable(m_model);
    m_view = std::make_unique<TimelineView>(m_plot->plot(), theme);
    m_view->scene().lanes = {Lane::Tokens, Lane::Layers, Lane::Stages, Lane::CopyDemand, Lane::CopyPrefetch, Lane::Stalls};
    m_view->scene().snapshot = feed.snapshot();
    buildHeader();
    connectGestures();
    connectFeed();
    m_plot->restyle();
    m_plot->markStale();
}

TimelinePanel::~TimelinePanel() = default;

void TimelinePanel::buildHeader() {
    m_search = new QLineEdit;
    m_search->setPlaceholderText(tr("Find: a word, 3.7 (expert), layer 3, demand, note"));
    m_search->setClearButtonEnabled(true);
    m_search->setFixedWidth(280);
    m_search->hide();
    m_search->installEventFilter(this);
    m_search->setAccessibleName(tr("Find on the timeline"));
    m_found = new QLabel;
    m_found->setProperty("caption", true);
    auto* find = new QToolButton;
    find->setText(tr("Find"));
    find->setProperty("flat", true);
    find->setToolTip(tr("Find a token, a layer, an expert or a cause (Ctrl+F)"));
    m_plot->header().addWidget(find);
    m_plot->header().addWidget(m_search);
    m_plot->header().addWidget(m_found);
    connect(find, &QToolButton::clicked, this, [this] { openSearch(); });
    connect(m_search, &QLineEdit::returnPressed, this, [this] { findNext(); });
    connect(m_search, &QLineEdit::textChanged, m_found, &QLabel::clear);
    const auto shortcut = [this](const QKeySequence& keys, auto&& act) {
        auto* made = new QShortcut(keys, this, nullptr, nullptr, Qt::WidgetWithChildrenShortcut);
        connect(made, &QShortcut::activated, this, act);
    };
    shortcut(QKeySequence::Find, [this] { openSearch(); });
    shortcut(QKeySequence(Qt::Key_F3), [this] { findNext(); });
    shortcut(QKeySequence(Qt::SHIFT | Qt::Key_F3), [this] { findNext(true); });
}

void TimelinePanel::openSearch() {
    m_search->show();
    m_search->setFocus();
    m_search->selectAll();
}

bool TimelinePanel::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_search && event->type() == QEvent::KeyPress && static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape) {
        m_search->clear();
        m_search->hide();
        m_plot->setFocus();
        return true;
    }
    return QWidget::eventFilter(watched, event);
}

void TimelinePanel::connectFeed() {
    connect(m_plot, &PlotWidget::refresh, this, &TimelinePanel::refresh);
    connect(&m_feed, &SessionFeed::snapshotChanged, m_plot, &PlotWidget::markStale);
    connect(&m_feed, &SessionFeed::timelineReady, this, &TimelinePanel::showWindow);
    connect(&m_feed, &SessionFeed::eventReady, this, &TimelinePanel::eventArrived);
    connect(&m_feed, &SessionFeed::followChanged, this, [this](bool follows) {
        if (follows)
            m_userView = false;
        m_plot->markStaleNow();
    });
    connect(&m_selection, &Selection::hoverChanged, this, &TimelinePanel::updateFocus);
    connect(&m_selection, &Selection::chosenChanged, this, [this] {
        updateFocus();
        if (const auto token = m_selection.chosen().token; token && !m_plot->gestures().pointerInside())
            if (const int pass = passOf(*m_feed.snapshot(), *token); pass >= 0) {
                const analysis::PassRecord& record = m_feed.snapshot()->passes[static_cast<std::size_t>(pass)];
                const TimeSpan shown = revealed(view(), {record.begin, record.end});
                if (shown != view())
                    setView(shown);
            }
    });
    connect(&m_selection, &Selection::timeRangeChanged, this, [this] {
        const auto& range = m_selection.timeRange();
        m_view->scene().range = range ? std::optional(TimeSpan{range->begin, range->end}) : std::nullopt;
        updateCaption();
        m_plot->replotMarks();
    });
}

void TimelinePanel::connectGestures() {
    PlotGestures& gestures = m_plot->gestures();
    gestures.setAxes(&m_view->timeAxis(), nullptr);
    connect(&gestures, &PlotGestures::hovered, this, &TimelinePanel::hover);
    connect(&gestures, &PlotGestures::left, this, [this] {
        m_selection.hover({});
        m_plot->markStale();
    });
    connect(&gestures, &PlotGestures::clicked, this, &TimelinePanel::click);
    connect(&gestures, &PlotGestures::viewChanged, this, [this] {
        m_userView = true;
        viewMoved();
    });
    connect(&gestures, &PlotGestures::resetRequested, this, [this] {
        m_userView = false;
        showWhole();
    });
    connect(&gestures, &PlotGestures::rangeDragged, this, [this](double begin, double end) {
        m_view->scene().range = TimeSpan{ns(begin), ns(end)};
        m_plot->replotMarks();
    });
    connect(&gestures, &PlotGestures::rangeSelected, this, [this](double begin, double end) {
        if (ns(end) > ns(begin))
            m_selection.setTimeRange(Selection::TimeRange{std::max<trace::TimeNs>(0, ns(begin)), ns(end)});
        else
            m_selection.setTimeRange(std::nullopt);
    });
    connect(&gestures, &PlotGestures::escaped, this, [this] {
        m_selection.setTimeRange(std::nullopt);
        m_selection.clear();
    });
}

TimeSpan TimelinePanel::view() const {
    return m_view->view();
}

void TimelinePanel::setView(const TimeSpan& view) {
    m_userView = true;
    m_view->setView(view);
    viewMoved();
}

void TimelinePanel::viewMoved() {
    m_followWidth = std::max(kLeastWidth, view().size());
    requestBars();
    m_plot->replotSoon();
}

void TimelinePanel::showWhole() {
    const analysis::SnapshotPtr snapshot = m_feed.snapshot();
    const trace::TimeNs end = std::max(snapshot->sessionEnd, snapshot->now);
    m_view->setView({0, std::max(kLeastWidth, end + end / 50)});
    viewMoved();
}

void TimelinePanel::refresh() {
    const analysis::SnapshotPtr snapshot = m_feed.snapshot();
    const bool empty = snapshot->sessionEnd <= 0 && snapshot->passes.empty();
    m_plot->setEmptyText(empty ? tr("When each token was read, and what was copied or waited for meanwhile. Send a message or "
                                    "open a session.")
                               : QString());
    TimelineScene& scene = m_view->scene();
    scene.snapshot = snapshot;
    scene.live = snapshot->live;
    if (scene.markers.size() != snapshot->changes.size() + snapshot->notes.size() ||
        m_file != QString::fromStdString(snapshot->file))
        scene.markers = timelineMarkers(*snapshot);
    const double limit = analysis::linkBytesPerSecond(settingOf(*snapshot, "link").toStdString());
    scene.limit = limit > 0 ? std::optional(limit) : std::nullopt;
    const double fastest = snapshot->device.fastCopiesBytesPerSecond;
    scene.fastest = fastest > 0 ? std::optional(fastest) : std::nullopt;
    updateLimits(*snapshot);
    if (const QString file = QString::fromStdString(snapshot->file); file != m_file) {
        m_file = file;
        m_userView = false;
        scene.window.reset();
        m_asked = {};
        if (!snapshot->live)
            showWhole();
    }
    if (!m_userView && snapshot->live && m_feed.following() && !pointerHolds())
        follow(*snapshot);
    requestBars();
    updateFocus();
    updateCaption();
}

void TimelinePanel::follow(const analysis::Snapshot& snapshot) {
    const trace::TimeNs edge = std::max(snapshot.now, snapshot.sessionEnd);
    m_view->setView(followed(edge, followWidth(edge, m_followWidth)));
}

bool TimelinePanel::pointerHolds() const {
    const PlotGestures& gestures = m_plot->gestures();
    return gestures.dragging() || (gestures.pointerInside() && m_pointed.isValid() && m_pointed.elapsed() < kHoldMs);
}

void TimelinePanel::updateLimits(const analysis::Snapshot& snapshot) {
    const double end = ms(std::max(snapshot.sessionEnd, snapshot.now));
    m_plot->gestures().setHorizontalLimits(QCPRange(-0.05 * end, std::max(ms(kLeastWidth), end * 1.1)), kNarrowestMs);
}

void TimelinePanel::requestBars() {
    const TimeSpan wanted = view();
    const trace::TimeNs known = m_feed.snapshot()->sessionEnd;
    const bool grown = known > m_askedEnd && wanted.end > m_askedEnd;
    const bool inside = wanted.begin >= m_asked.begin && wanted.end <= m_asked.end && wanted.size() * 3 > m_asked.size();
    if (m_file.isEmpty() || wanted.size() <= 0 || (inside && !grown))
        return;
    // A margin on both sides, so that a pan shows bars before its answer is there.
    const trace::TimeNs margin = wanted.size() / 2;
    m_asked = {std::max<trace::TimeNs>(0, wanted.begin - margin), wanted.end + margin};
    m_askedEnd = known;
    const double pixels =
        m_view->lanes().area().width() * static_cast<double>(m_asked.size()) / static_cast<double>(wanted.size());
    m_feed.requestTimeline(m_asked.begin, m_asked.end, std::max(64, static_cast<int>(pixels)));
}

void TimelinePanel::showWindow(const TimelineWindowPtr& window) {
    if (window->file != m_file)
        return; // of the session that was shown before
    TimelineScene& scene = m_view->scene();
    scene.lanes = shownLanes(*window, m_lanesOf == m_file ? scene.lanes : std::vector<Lane>());
    m_lanesOf = m_file;
    scene.window = window;
    // While someone reads the table, its rows do not change under the eyes thirty times a second.
    if (!m_plot->tableShown() || !m_tabled.isValid() || m_tabled.elapsed() > kTableEveryMs) {
        m_model->setWindow(window, scene.markers);
        m_tabled.start();
    }
    m_plot->markStale();
}

void TimelinePanel::updateCaption() {
    const analysis::SnapshotPtr snapshot = m_feed.snapshot();
    QString caption;
    if (const auto& range = m_selection.timeRange(); range && m_view->scene().window) {
        const RangeFigures figures = rangeFigures(*snapshot, *m_view->scene().window, {range->begin, range->end});
        caption = tr("selection %1 – %2 ms · %n token(s) · %3", nullptr, figures.tokens)
                      .arg(QString::number(ms(range->begin), 'f', 1), QString::number(ms(range->end), 'f', 1),
                           format::bytes(figures.bytes));
        caption.replace(u"token(s)"_s, figures.tokens == 1 ? tr("token") : tr("tokens"));
        if (figures.stalls >= 0)
            caption += tr(" · %1 exposed stalls").arg(figures.stalls);
    } else {
        const TimeSpan shown = view();
        caption = tr("%1 – %2 ms").arg(ms(shown.begin), 0, 'f', 1).arg(ms(shown.end), 0, 'f', 1);
        if (snapshot->live && m_feed.following() && !m_userView)
            caption += tr(" · following");
    }
    m_plot->setSummary(
        tr("%1; %2 passes, stall %3 per token, link %4 busy.")
            .arg(caption)
            .arg(snapshot->passes.size())
            .arg(format::milliseconds(snapshot->summary.stallMsPerToken), format::percent(snapshot->summary.linkUtilisation)));
    if (caption != m_caption) {
        m_caption = caption;
        Q_EMIT captionChanged(caption);
    }
}

void TimelinePanel::updateFocus() {
    const analysis::SnapshotPtr snapshot = m_feed.snapshot();
    const auto spanOf = [&](const std::optional<trace::TokenIndex>& token) -> std::optional<TimeSpan> {
        const int pass = token ? passOf(*snapshot, *token) : -1;
        if (pass < 0)
            return std::nullopt;
        const analysis::PassRecord& record = snapshot->passes[static_cast<std::size_t>(pass)];
        return TimeSpan{record.begin, record.end};
    };
    TimelineScene& scene = m_view->scene();
    const auto hovered = spanOf(m_selection.hovered().token);
    const auto chosen = spanOf(m_selection.chosen().token);
    if (hovered == scene.hovered && chosen == scene.chosen)
        return;
    scene.hovered = hovered;
    scene.chosen = chosen;
    m_plot->replotMarks();
}

TimelinePanel::Spot TimelinePanel::spotAt(const QPointF& at) const {
    Spot spot;
    const LanesCanvas& lanes = m_view->lanes();
    spot.time = lanes.scale().time(at.x());
    if (at.x() < lanes.area().left() || at.x() > lanes.area().right() || !m_view->scene().window)
        return spot;
    spot.lane = lanes.stack().at(at.y());
    if (spot.lane < 0)
        return spot;
    const auto tolerance = static_cast<trace::TimeNs>(2 / lanes.scale().perNs());
    for (const TimelineWindow::LaneBars& lane : m_view->scene().window->lanes)
        if (lane.lane == m_view->scene().lanes[static_cast<std::size_t>(spot.lane)])
            if (const int index = barAt(lane.bars, spot.time, tolerance); index >= 0)
                spot.bar = &lane.bars[static_cast<std::size_t>(index)];
    return spot;
}

Selection::Target TimelinePanel::targetOf(const Spot& spot) const {
    Selection::Target target;
    const analysis::SnapshotPtr snapshot = m_feed.snapshot();
    const int pass = passAt(*snapshot, spot.time);
    if (pass >= 0 && snapshot->passes[static_cast<std::size_t>(pass)].end >= spot.time)
        target.token = snapshot->passes[static_cast<std::size_t>(pass)].firstToken;
    if (spot.bar == nullptr || spot.bar->count != 1)
        return target;
    switch (m_view->scene().lanes[static_cast<std::size_t>(spot.lane)]) {
    case Lane::Layers:
        target.layer = trace::Layer(spot.bar->colourKey);
        break;
    case Lane::CopyDemand:
    case Lane::CopyPrefetch:
    case Lane::CopyOther:
        target.transferSeq = spot.bar->seq;
        break;
    default:
        break;
    }
    if (const trace::Event* event = eventOf(spot)) {
        if (const auto* transfer = std::get_if<trace::TransferSpan>(event); transfer != nullptr && transfer->key.layer.valid())
            target.expert = transfer->key;
        else if (const auto* stall = std::get_if<trace::StallSpan>(event))
            target.expert = stall->key;
        if (target.expert)
            target.layer = target.expert->layer;
    }
    return target;
}

const trace::Event* TimelinePanel::eventOf(const Spot& spot) const {
    return spot.bar != nullptr && spot.bar->count == 1 && m_event && m_event->first == spot.bar->seq ? &m_event->second
                                                                                                     : nullptr;
}

void TimelinePanel::eventArrived(qint64 seq, const trace::Event& event) {
    if (m_event && m_event->first == seq)
        return;
    m_event = {seq, event};
    if (m_plot->gestures().pointerInside() && !m_plot->gestures().dragging())
        hover(m_pointer);
}

QString TimelinePanel::linkReadout(trace::TimeNs time) const {
    const auto rates = m_view->link().rateAt(time);
    if (!rates)
        return {};
    const auto& [demand, prefetch, other] = *rates;
    QString measured;
    if (const auto rate = m_view->link().measuredRateAt(time))
        measured = tr("<br>%1 by %2").arg(format::bandwidth(*rate), LinkCanvas::sourceName(m_view->scene().window->measuredBy));
    return tr("<b>link at %1</b><br>%2 in all by the engine<br>demand %3 · prefetch %4 · other %5")
               .arg(QString::number(ms(time), 'f', 3) + u" ms"_s, format::bandwidth(demand + prefetch + other),
                    format::bandwidth(demand), format::bandwidth(prefetch), format::bandwidth(other)) +
           measured;
}

void TimelinePanel::hover(const QPointF& at) {
    m_pointed.start();
    m_pointer = at;
    const Spot spot = spotAt(at);
    if (spot.bar != nullptr && spot.bar->count == 1 && spot.bar->seq != m_eventAsked) {
        const Lane lane = m_view->scene().lanes[static_cast<std::size_t>(spot.lane)];
        if (lane == Lane::Stalls || lane == Lane::CopyDemand || lane == Lane::CopyPrefetch || lane == Lane::CopyOther)
            m_feed.requestEvent(m_eventAsked = spot.bar->seq);
    }
    QString text;
    if (const TimelineMarker* marker = m_view->lanes().markerAt(at))
        text = markerReadout(*marker);
    else if (spot.bar != nullptr)
        text = barReadout(*m_feed.snapshot(), m_view->scene().lanes[static_cast<std::size_t>(spot.lane)], *spot.bar,
                          eventOf(spot));
    else if (m_view->linkArea().contains(at))
        text = linkReadout(spot.time);
    if (text.isEmpty())
        m_plot->hideReadout();
    else
        m_plot->showReadout(at, text);
    m_selection.hover(targetOf(spot));
}

void TimelinePanel::click(const QPointF& at) {
    const Spot spot = spotAt(at);
    Selection::Target target = targetOf(spot);
    if (!target.empty() && !target.layer && !target.transferSeq) {
        target.layer = m_selection.chosen().layer;
        target.expert = m_selection.chosen().expert;
    }
    m_selection.choose(target);
}

void TimelinePanel::findNext(bool backwards) {
    const analysis::SnapshotPtr snapshot = m_feed.snapshot();
    const TimelineSearch search = parseSearch(m_search->text());
    if (search.kind == TimelineSearch::Kind::None)
        return;
    const auto chosen = m_selection.chosen().token;
    const int from = chosen ? passOf(*snapshot, *chosen) : passAt(*snapshot, view().begin) - (backwards ? 0 : 1);
    const int pass = findPass(*snapshot, search, from, backwards);
    if (pass < 0) {
        m_found->setText(tr("nothing found"));
        return;
    }
    m_found->setText(tr("%1 found").arg(countMatches(*snapshot, search)));
    const analysis::PassRecord& record = snapshot->passes[static_cast<std::size_t>(pass)];
    setView(revealed(view(), {record.begin, record.end}));
    Selection::Target target;
    target.token = record.firstToken;
    if (search.layer >= 0 && search.layer < snapshot->layers)
        target.layer = trace::Layer(search.layer);
    if (search.expert >= 0 && target.layer)
        target.expert = trace::expertKey(search.layer, search.expert);
    m_selection.choose(target);
}

} // namespace moescope::ui

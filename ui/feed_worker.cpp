#include "ui/feed_worker.h"

#include <algorithm>
#include <exception>

namespace moescope::ui {

namespace {

using namespace std::chrono_literals;

// Under a thirtieth of a second: a steady 30 snapshots a second must survive the jitter of a busy machine.
constexpr auto kPublishEvery = 30ms;
constexpr auto kPollBusy = 12ms;
constexpr auto kPollQuiet = 25ms;
constexpr auto kQuietAfter = 5s;
constexpr auto kWatchEvery = 500ms;
constexpr std::size_t kEventsWaiting = 4;
constexpr auto kOptimumEvery = 1000ms;
constexpr auto kFoldSlice = 12ms; ///< between two looks at the mail
/// A session that ended is asked a few times more: its reader must let go of the WAL before the writer can leave it.
constexpr auto kAfterEnd = 6s;
constexpr auto kPollEnded = 250ms;
constexpr auto kCatchUpPublish = 200ms; ///< while a long way is folded

} // namespace

FeedWorker::FeedWorker(FeedAudience& audience) : m_audience(audience), m_thread([this] { run(); }) {}

FeedWorker::~FeedWorker() {
    {
        const std::lock_guard lock(m_mutex);
        m_mail.quit = true;
    }
    m_wake.notify_one();
    m_thread.join();
}

quint64 FeedWorker::order(Order order) {
    quint64 number = 0;
    {
        const std::lock_guard lock(m_mutex);
        // A scrub sends many seeks; only where it stands now matters.
        if (std::holds_alternative<Seek>(order) && !m_mail.orders.empty() && std::holds_alternative<Seek>(m_mail.orders.back()))
            m_mail.orders.back() = std::move(order);
        else
            m_mail.orders.push_back(std::move(order));
        number = ++m_mail.number;
    }
    m_wake.notify_one();
    return number;
}

void FeedWorker::ask(const TimelineRequest& request) {
    {
        const std::lock_guard lock(m_mutex);
        m_mail.request = request;
    }
    m_wake.notify_one();
}

void FeedWorker::askEvent(std::int64_t seq) {
    {
        const std::lock_guard lock(m_mutex);
        // A pointer that sweeps over bars asks faster than a busy worker answers; only the newest questions matter.
        if (m_mail.events.size() >= kEventsWaiting)
            m_mail.events.erase(m_mail.events.begin());
        m_mail.events.push_back(seq);
    }
    m_wake.notify_one();
}

void FeedWorker::run() {
    for (;;) {
        Mail mail = collect(nextWake());
        if (mail.quit)
            return;
        try {
            m_number = mail.number;
            for (const Order& order : mail.orders)
                obey(order);
            if (mail.request)
                answer(*mail.request);
            for (const std::int64_t seq : mail.events)
                answerEvent(seq);
            if (m_cursor && !m_broken)
                work();
        } catch (const std::exception& problem) {
            m_broken = true;
            m_audience.broke(QString::fromUtf8(problem.what()));
        }
    }
}

FeedWorker::Mail FeedWorker::collect(Clock::time_point until) {
    std::unique_lock lock(m_mutex);
    const auto something = [this] {
        return m_mail.quit || !m_mail.orders.empty() || m_mail.request.has_value() || !m_mail.events.empty();
    };
    if (until == Clock::time_point::max())
        m_wake.wait(lock, something);
    else
        m_wake.wait_until(lock, until, something);
    Mail mail;
    mail.number = m_mail.number;
    mail.quit = m_mail.quit;
    mail.orders.swap(m_mail.orders);
    mail.request.swap(m_mail.request);
    mail.events.swap(m_mail.events);
    return mail;
}

FeedWorker::Clock::time_point FeedWorker::nextWake() const {
    const auto now = Clock::now();
    if (!m_cursor || m_broken)
        return Clock::time_point::max();
    auto wake = Clock::time_point::max();
    if (m_cursor->seq() != m_target)
        return now;
    if (polls())
        wake = std::min(wake, m_nextPoll);
    if (m_playing || m_dirty)
        wake = std::min(wake, m_nextPublish);
    if (m_optimumStale)
        wake = std::min(wake, m_nextOptimum);
    return wake;
}

void FeedWorker::obey(const Order& order) {
    if (const auto* open = std::get_if<Open>(&order)) {
        openFile(open->path);
    } else if (std::holds_alternative<Close>(order)) {
        stopPlaying();
        m_cursor.reset();
    } else if (!m_cursor || m_broken) {
        return;
    } else if (const auto* follow = std::get_if<Follow>(&order)) {
        stopPlaying();
        turnFollow(follow->follow);
        if (m_follow)
            aimAt(m_cursor->lastSeq());
    } else if (const auto* seek = std::get_if<Seek>(&order)) {
        stopPlaying();
        turnFollow(false);
        aimAt(m_cursor->seqAt(seek->time));
    } else if (const auto* step = std::get_if<Step>(&order)) {
        stopPlaying();
        turnFollow(false);
        aimAt(m_cursor->seqAfterTokens(step->tokens));
    } else if (const auto* play = std::get_if<Play>(&order)) {
        if (!play->playing) {
            stopPlaying();
            return;
        }
        turnFollow(false);
        if (m_cursor->seq() >= m_cursor->lastSeq() && m_cursor->finished())
            aimAt(0); // played to the end before: from the start again
        m_speed = std::clamp(play->speed, 0.25, 16.0);
        m_playing = true;
        m_playSince = Clock::now();
        m_playFrom = m_target == 0 ? 0 : m_cursor->now();
    }
}

void FeedWorker::openFile(const QString& path) {
    std::unique_ptr<SessionCursor> cursor;
    try {
        cursor = std::make_unique<SessionCursor>(path);
    } catch (const std::exception& problem) {
        m_audience.broke(QString::fromUtf8(problem.what()));
        return; // the present session stays
    }
    stopPlaying();
    m_cursor = std::move(cursor);
    m_broken = false;
    m_gone = false;
    m_catchingUp = false;
    m_ended = m_cursor->finished();
    m_pollUntil = {};
    m_follow = true;
    m_target = m_cursor->lastSeq();
    m_dirty = true;
    m_optimumStale = true;
    m_nextOptimum = {};
    m_nextPublish = {};
    m_lastNews = Clock::now();
    m_nextPoll = {};
    m_nextWatch = Clock::now() + kWatchEvery;
    m_audience.fileOpened(path, m_number);
}

void FeedWorker::work() {
    const auto now = Clock::now();
    // What is published shall be the newest there is: ask again when its time has come.
    if (polls() && (now >= m_nextPoll || (m_dirty && m_follow && now >= m_nextPublish)))
        poll(now);
    if (m_playing)
        advancePlay(now);
    bool arrived = true;
    if (m_cursor->seq() != m_target) {
        m_cursor->retreat(m_target);
        arrived = m_cursor->advance(m_target, kFoldSlice);
        m_dirty = true;
        m_optimumStale = true;
    }
    publishIfDue(Clock::now(), arrived);
}

void FeedWorker::poll(Clock::time_point now) {
    watchFile(now);
    if (m_cursor->refresh()) {
        m_lastNews = now;
        m_dirty = true; // the end of the session moved, even where the cursor stays
        if (m_follow)
            m_target = m_cursor->lastSeq();
    }
    if (m_cursor->finished()) {
        if (!m_ended)
            m_pollUntil = now + kAfterEnd;
        m_ended = true;
        m_nextPoll = now + kPollEnded;
        return;
    }
    m_nextPoll = now + (now - m_lastNews > kQuietAfter ? kPollQuiet : kPollBusy);
}

bool FeedWorker::polls() const {
    return !m_gone && (!m_ended || m_nextPoll < m_pollUntil);
}

void FeedWorker::watchFile(Clock::time_point now) {
    if (now < m_nextWatch)
        return;
    m_nextWatch = now + kWatchEvery;
    if (m_cursor->sameFileOnDisk())
        return;
    const QString path = m_cursor->path();
    if (m_cursor->fileExists()) {
        openFile(path);
        return;
    }
    m_gone = true;
    m_audience.broke(
        QStringLiteral("%1 was moved or deleted while it was open; what had been read stays on the screen.").arg(path));
}

void FeedWorker::advancePlay(Clock::time_point now) {
    const auto elapsed = std::chrono::duration<double, std::nano>(now - m_playSince).count() * m_speed;
    const trace::TimeNs time = m_playFrom + static_cast<trace::TimeNs>(elapsed);
    m_target = std::max(m_target, m_cursor->seqAt(time));
    if (time >= m_cursor->lastTime())
        stopPlaying();
}

void FeedWorker::publishIfDue(Clock::time_point now, bool arrived) {
    if (!arrived && !m_follow)
        return; // what lies between here and where the user asked to be is no answer
    const bool withOptimum = arrived && m_optimumStale && now >= m_nextOptimum;
    const bool caughtUp = arrived && m_catchingUp;
    if (!withOptimum && !caughtUp && !(m_dirty && now >= m_nextPublish))
        return;
    if (withOptimum) {
        m_nextOptimum = now + kOptimumEvery;
        m_optimumStale = false;
    }
    m_dirty = false;
    m_catchingUp = !arrived;
    m_audience.published(m_cursor->snapshot(withOptimum), m_number);
    m_nextPublish = arrived ? std::max(m_nextPublish + kPublishEvery, now + kPublishEvery / 2) : now + kCatchUpPublish;
}

void FeedWorker::answer(const TimelineRequest& request) {
    if (!m_cursor)
        return;
    auto window = std::make_shared<TimelineWindow>(m_cursor->timeline(request.begin, request.end, request.pixels));
    window->generation = request.generation;
    m_audience.timelineRead(std::move(window));
}

void FeedWorker::answerEvent(std::int64_t seq) {
    if (!m_cursor)
        return;
    if (const auto event = m_cursor->event(seq))
        m_audience.eventRead(seq, *event);
}

void FeedWorker::aimAt(std::int64_t seq) {
    m_target = std::clamp<std::int64_t>(seq, 0, m_cursor->lastSeq());
    m_dirty = true;
    m_nextPublish = {};
}

void FeedWorker::stopPlaying() {
    if (!m_playing)
        return;
    m_playing = false;
    m_audience.playTurned(false, m_speed, m_number);
}

void FeedWorker::turnFollow(bool follow) {
    if (follow == m_follow)
        return;
    m_follow = follow;
    m_audience.followTurned(follow, m_number);
}

} // namespace moescope::ui

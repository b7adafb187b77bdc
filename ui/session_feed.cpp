#include "ui/session_feed.h"

#include "ui/feed_worker.h"

#include <QMetaObject>
#include <mutex>

namespace moescope::ui {

/// Hands the worker's news to the GUI thread. A snapshot that was not fetched yet is replaced by a newer one, so that a busy
/// window skips states instead of falling behind.
struct SessionFeed::State final : FeedAudience {
    explicit State(SessionFeed& owner) : feed(owner), worker(std::make_unique<FeedWorker>(*this)) {}
    ~State() override { worker.reset(); }

    void published(analysis::SnapshotPtr fresh, quint64 order) override {
        {
            const std::lock_guard lock(mutex);
            const bool posted = waiting != nullptr;
            waiting = std::move(fresh);
            waitingOrder = order;
            if (posted)
                return;
        }
        QMetaObject::invokeMethod(
            &feed, [this] { fetch(); }, Qt::QueuedConnection);
    }
    void timelineRead(TimelineWindowPtr window) override {
        QMetaObject::invokeMethod(
            &feed,
            [this, window] {
                if (window->generation == generation)
                    Q_EMIT feed.timelineReady(window);
            },
            Qt::QueuedConnection);
    }
    void eventRead(std::int64_t seq, const trace::Event& event) override {
        QMetaObject::invokeMethod(
            &feed, [this, seq, event] { Q_EMIT feed.eventReady(seq, event); }, Qt::QueuedConnection);
    }
    void fileOpened(const QString& path, quint64 order) override {
        QMetaObject::invokeMethod(
            &feed,
            [this, path, order] {
                if (order < lastOpen)
                    return;
                Q_EMIT feed.opened(path);
                showMode(true, false, order);
            },
            Qt::QueuedConnection);
    }
    void broke(const QString& sentence) override {
        QMetaObject::invokeMethod(
            &feed, [this, sentence] { Q_EMIT feed.failed(sentence); }, Qt::QueuedConnection);
    }
    void followTurned(bool now, quint64 order) override {
        QMetaObject::invokeMethod(
            &feed, [this, now, order] { showMode(now, isPlaying, order); }, Qt::QueuedConnection);
    }
    void playTurned(bool now, double, quint64 order) override {
        QMetaObject::invokeMethod(
            &feed, [this, now, order] { showMode(follow, now, order); }, Qt::QueuedConnection);
    }

    void fetch() {
        analysis::SnapshotPtr fresh;
        quint64 order = 0;
        {
            const std::lock_guard lock(mutex);
            fresh = std::move(waiting);
            waiting = nullptr;
            order = waitingOrder;
        }
        if (!fresh || order < lastOpen)
            return;
        present = std::move(fresh);
        Q_EMIT feed.snapshotChanged();
    }
    /// The window shows a mode as soon as it asked for it; the worker's word counts once it has heard that.
    void showMode(bool nowFollow, bool nowPlaying, quint64 order) {
        if (order >= lastOrder)
            setMode(nowFollow, nowPlaying);
    }
    void setMode(bool nowFollow, bool nowPlaying) {
        const bool followTurns = nowFollow != follow;
        const bool playTurns = nowPlaying != isPlaying;
        follow = nowFollow;
        isPlaying = nowPlaying;
        if (followTurns)
            Q_EMIT feed.followChanged(follow);
        if (playTurns)
            Q_EMIT feed.playingChanged(isPlaying, speed);
    }
    void send(FeedWorker::Order order) { lastOrder = worker->order(std::move(order)); }

    SessionFeed& feed;
    // GUI thread
    analysis::SnapshotPtr present = std::make_shared<const analysis::Snapshot>();
    bool follow = true;
    bool isPlaying = false;
    double speed = 1;
    quint64 generation = 0;
    quint64 lastOrder = 0;
    quint64 lastOpen = 0;
    // both threads, guarded by mutex
    std::mutex mutex;
    analysis::SnapshotPtr waiting;
    quint64 waitingOrder = 0;
    std::unique_ptr<FeedWorker> worker; ///< last: it calls from its thread at once
};

SessionFeed::SessionFeed(QObject* parent) : QObject(parent), m_state(std::make_unique<State>(*this)) {
    qRegisterMetaType<TimelineWindowPtr>("moescope::ui::TimelineWindowPtr");
}

SessionFeed::~SessionFeed() = default;

analysis::SnapshotPtr SessionFeed::snapshot() const {
    return m_state->present;
}

void SessionFeed::open(const QString& path) {
    m_state->send(FeedWorker::Open{path});
    m_state->lastOpen = m_state->lastOrder;
}

void SessionFeed::close() {
    m_state->send(FeedWorker::Close{});
    m_state->lastOpen = m_state->lastOrder;
    m_state->present = std::make_shared<const analysis::Snapshot>();
    m_state->setMode(true, false);
    Q_EMIT snapshotChanged();
}

void SessionFeed::showSnapshot(analysis::SnapshotPtr snapshot) {
    m_state->send(FeedWorker::Close{});
    m_state->lastOpen = m_state->lastOrder;
    m_state->present = std::move(snapshot);
    Q_EMIT snapshotChanged();
}

void SessionFeed::setFollow(bool follow) {
    m_state->send(FeedWorker::Follow{follow});
    m_state->setMode(follow, false);
}

bool SessionFeed::following() const {
    return m_state->follow;
}

void SessionFeed::seekTime(trace::TimeNs time) {
    m_state->send(FeedWorker::Seek{time});
    m_state->setMode(false, false);
}

void SessionFeed::stepTokens(int count) {
    m_state->send(FeedWorker::Step{count});
    m_state->setMode(false, false);
}

void SessionFeed::setPlaying(bool playing, double speed) {
    const bool speedTurns = speed != m_state->speed;
    m_state->speed = speed;
    m_state->send(FeedWorker::Play{playing, speed});
    const bool was = m_state->isPlaying;
    m_state->setMode(playing ? false : m_state->follow, playing);
    if (speedTurns && was == playing)
        Q_EMIT playingChanged(playing, speed);
}

bool SessionFeed::playing() const {
    return m_state->isPlaying;
}

double SessionFeed::speed() const {
    return m_state->speed;
}

quint64 SessionFeed::requestTimeline(trace::TimeNs begin, trace::TimeNs end, int pixels) {
    m_state->worker->ask({++m_state->generation, begin, end, pixels});
    return m_state->generation;
}

void SessionFeed::requestEvent(std::int64_t seq) {
    m_state->worker->askEvent(seq);
}

} // namespace moescope::ui

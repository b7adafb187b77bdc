#pragma once
#include "ui/session_cursor.h"

#include <QString>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

namespace moescope::ui {

/// Who hears from a FeedWorker. All calls come on the worker's thread. `order` is the number of the last order that was obeyed,
/// so that news overtaken by a newer order can be told apart.
class FeedAudience {
public:
    virtual ~FeedAudience() = default;
    virtual void published(analysis::SnapshotPtr snapshot, quint64 order) = 0;
    virtual void timelineRead(TimelineWindowPtr window) = 0;
    virtual void eventRead(std::int64_t seq, const trace::Event& event) = 0;
    virtual void fileOpened(const QString& path, quint64 order) = 0;
    virtual void broke(const QString& sentence) = 0;
    virtual void followTurned(bool follow, quint64 order) = 0;
    virtual void playTurned(bool playing, double speed, quint64 order) = 0;
};

/// The thread behind SessionFeed: owns the cursor, polls a growing session, plays a finished one, answers timeline requests.
/// Owned by SessionFeed; its methods may be called on any thread and return at once.
class FeedWorker {
public:
    struct Open {
        QString path;
    };
    struct Close {};
    struct Follow {
        bool follow = true;
    };
    struct Seek {
        trace::TimeNs time = 0;
    };
    struct Step {
        int tokens = 0;
    };
    struct Play {
        bool playing = true;
        double speed = 1;
    };
    using Order = std::variant<Open, Close, Follow, Seek, Step, Play>;
    struct TimelineRequest {
        quint64 generation = 0;
        trace::TimeNs begin = 0;
        trace::TimeNs end = 0;
        int pixels = 0;
    };

    explicit FeedWorker(FeedAudience& audience);
    ~FeedWorker();

    /// Returns the order's number, from 1.
    quint64 order(Order order);
    void ask(const TimelineRequest& request); ///< replaces one that was not answered yet
    void askEvent(std::int64_t seq);

private:
    using Clock = std::chrono::steady_clock;
    struct Mail {
        std::vector<Order> orders;
        std::optional<TimelineRequest> request;
        std::vector<std::int64_t> events;
        quint64 number = 0;
        bool quit = false;
    };

    void run();
    Mail collect(Clock::time_point until);
    void obey(const Order& order);
    void openFile(const QString& path);
    void work();
    void poll(Clock::time_point now);
    void watchFile(Clock::time_point now);
    void advancePlay(Clock::time_point now);
    void publishIfDue(Clock::time_point now, bool arrived);
    void answer(const TimelineRequest& request);
    void answerEvent(std::int64_t seq);
    void aimAt(std::int64_t seq);
    void stopPlaying();
    void turnFollow(bool follow);
    Clock::time_point nextWake() const;
    bool polls() const;

    FeedAudience& m_audience;
    std::mutex m_mutex;
    std::condition_variable m_wake;
    Mail m_mail; ///< guarded by m_mutex

    // the worker's thread only
    std::unique_ptr<SessionCursor> m_cursor;
    quint64 m_number = 0;
    std::int64_t m_target = 0; ///< where the cursor shall be
    bool m_follow = true;
    bool m_playing = false;
    bool m_broken = false;     ///< reading failed: what was read stays
    bool m_gone = false;       ///< the file is no longer where it was: nothing to poll
    bool m_ended = false;      ///< the session was seen to be finished
    bool m_catchingUp = false; ///< what was published is on the way to the target only
    bool m_dirty = false;      ///< the cursor knows more than was published
    double m_speed = 1;
    trace::TimeNs m_playFrom = 0;
    Clock::time_point m_playSince;
    Clock::time_point m_nextPoll;
    Clock::time_point m_pollUntil; ///< of an ended session
    Clock::time_point m_lastNews;
    Clock::time_point m_nextWatch;
    Clock::time_point m_nextPublish;
    Clock::time_point m_nextOptimum;
    bool m_optimumStale = false;
    std::thread m_thread; ///< last: starts when all else is there
};

} // namespace moescope::ui

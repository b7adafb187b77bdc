#pragma once
#include "profiler/analysis/snapshot.h"

#include <QObject>
#include <QString>
#include <memory>

namespace moescope::ui {

/// What the timeline shows for one view, read from level-of-detail tables.
struct TimelineWindow {
    quint64 generation = 0; ///< of the request it answers
    QString file;
    trace::TimeNs begin = 0;
    trace::TimeNs end = 0;
    trace::TimeNs resolutionNs = 1;
    struct LaneBars {
        session::Lane lane;
        std::vector<session::LaneBar> bars;
    };
    std::vector<LaneBars> lanes; ///< in order of session::Lane
    using LinkSource = session::SessionReader::LinkSource;
    std::vector<session::SessionReader::LinkBucket> link;     ///< as the engine tells it, by cause
    std::vector<session::SessionReader::LinkBucket> measured; ///< as the device tells it; empty where it was not recorded
    LinkSource measuredBy = LinkSource::Engine;
};
using TimelineWindowPtr = std::shared_ptr<const TimelineWindow>;

/// The window's only source of knowledge: reads one session, live or finished, on its own thread, runs the reducers there and
/// publishes immutable snapshots, about 30 a second. GUI thread API; all methods return at once.
class SessionFeed : public QObject {
    Q_OBJECT
public:
    explicit SessionFeed(QObject* parent = nullptr);
    ~SessionFeed() override;

    /// The newest snapshot; never null.
    analysis::SnapshotPtr snapshot() const;

    void open(const QString& path); ///< stops what was open; follows the end
    void close();
    /// Shows a snapshot that was made elsewhere, as if a session had said so; closes what is open. For tests of panels.
    void showSnapshot(analysis::SnapshotPtr snapshot);
    /// Follow the newest event (live mode, or the end of a finished session).
    void setFollow(bool follow);
    bool following() const;
    /// Shows the session as it was at that time; leaves follow mode and stops playing.
    void seekTime(trace::TimeNs time);
    /// Steps by tokens from the present cursor.
    void stepTokens(int count);
    /// Replays from the cursor at speed x (0.25 .. 16) of recorded time; pauses with false.
    void setPlaying(bool playing, double speed = 1.0);
    bool playing() const;
    double speed() const;

    /// Asks for bars; the newest request replaces older ones not yet answered. Returns its generation.
    quint64 requestTimeline(trace::TimeNs begin, trace::TimeNs end, int pixels);
    /// Asks for one event; eventReady() answers if the session has it. Of many questions only the newest few are answered.
    void requestEvent(std::int64_t seq);

Q_SIGNALS:
    void snapshotChanged();
    void timelineReady(moescope::ui::TimelineWindowPtr window);
    void eventReady(qint64 seq, const moescope::trace::Event& event);
    void opened(const QString& path);
    /// One sentence for the user: the session cannot be read (any more).
    void failed(const QString& sentence);
    void followChanged(bool follow);
    void playingChanged(bool playing, double speed);

private:
    struct State;
    std::unique_ptr<State> m_state;
};

} // namespace moescope::ui

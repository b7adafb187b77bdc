#pragma once
#include "ui/simulator/sweep_model.h"

#include <QElapsedTimer>
#include <QObject>
#include <QTimer>
#include <memory>
#include <optional>

class QThread;

namespace moescope::ui {

/// Simulates on a thread of its own, one thing at a time: a newer request cancels the one that runs. Keeps the recording that
/// it has read, so that further questions about the same session come at once. Owned by SimulatorPanel; GUI thread.
class SimulationRunner : public QObject {
    Q_OBJECT
public:
    struct Request {
        QString session;
        bool again = false; ///< read the file also if it is known: it may have grown
        simulate::Scenario scenario;
        std::vector<simulate::SweepAxis> axes; ///< empty: the scenario alone
        QString output;                        ///< with a scenario alone: write the session to this new file
        session::SessionInfo facts;            ///< of that session, see Simulator::write
    };
    struct Outcome {
        simulate::Figures recorded;
        simulate::Figures estimate; ///< without axes
        bool approximate = false;
        QString caveat;
        int upToToken = 0; ///< tokens in the recording
    };

    explicit SimulationRunner(QObject* parent = nullptr);
    ~SimulationRunner() override; ///< cancels, and waits for the thread

    void run(const Request& request);
    void cancel();
    bool running() const { return m_job != nullptr; }
    const Request& request() const { return m_request; }
    /// Whether this session's recording is at hand.
    bool knows(const QString& session) const { return m_simulator && m_known == session; }
    void forget();

Q_SIGNALS:
    void started();
    /// A few times a second; secondsLeft < 0: not known yet.
    void progressed(double share, double secondsLeft);
    /// Of a sweep, as they are done. The first call of a sweep comes before its first point, with none.
    void pointsArrived(const std::vector<moescope::ui::SweptPoint>& points, const moescope::simulate::Figures& recorded);
    void finished(const moescope::ui::SimulationRunner::Outcome& outcome);
    void failed(const QString& sentence);
    void cancelled();

private:
    struct Job;
    void begin(const Request& request);
    void poll();
    void end();

    std::shared_ptr<const simulate::Simulator> m_simulator;
    QString m_known; ///< the session of m_simulator
    Request m_request;
    std::optional<Request> m_next;
    std::shared_ptr<Job> m_job;
    QThread* m_thread = nullptr;
    QTimer m_poll;
    QElapsedTimer m_clock;
};

} // namespace moescope::ui

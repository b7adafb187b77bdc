#include "ui/simulator/simulation_runner.h"

#include <QFile>
#include <QThread>
#include <atomic>
#include <mutex>

namespace moescope::ui {
namespace {

constexpr int kPollMs = 60;
constexpr double kKnownShare = 0.02; // below this the remaining time is a guess

} // namespace

/// What both threads see of one request. The worker writes `simulator`, `outcome` and `problem` before it ends, the window
/// reads them after that.
struct SimulationRunner::Job {
    Request request;
    std::atomic<bool> stop = false;
    std::atomic<double> share = 0;
    std::mutex mutex;
    std::vector<SweptPoint> points;            ///< under mutex: done, not handed over
    std::optional<simulate::Figures> recorded; ///< under mutex: known once the recording is read
    std::shared_ptr<const simulate::Simulator> simulator;
    std::optional<Outcome> outcome;
    QString problem;
    bool cancelled = false;
    bool announced = false; ///< window's: the sweep's begin was told

    void work() noexcept;
    void read();
    void simulateOne();
    void simulateSweep();
    /// Progress of the part that begins at `from`.
    simulate::Progress part(double from) {
        return [this, from](double done) {
            share = from + done * (1 - from);
            return !stop;
        };
    }
};

void SimulationRunner::Job::read() {
    if (simulator)
        return;
    const std::string file = QFile::encodeName(request.session).toStdString();
    simulator = std::make_shared<const simulate::Simulator>(simulate::readRecording(file, [this](double done) {
        share = done / 2;
        return !stop;
    }));
}

void SimulationRunner::Job::simulateOne() {
    const simulate::Progress progress = part(share);
    const simulate::Figures figures =
        request.output.isEmpty()
            ? simulator->estimate(request.scenario, progress)
            : simulator->write(request.scenario, QFile::encodeName(request.output).toStdString(), request.facts, progress);
    outcome->estimate = figures;
    outcome->approximate = !simulate::gateAsRecorded(simulator->recording(), request.scenario);
}

void SimulationRunner::Job::simulateSweep() {
    simulate::sweep(*simulator, request.scenario, request.axes, part(share), [this](const simulate::SweepPoint& point) {
        const simulate::Scenario here = simulate::scenarioAt(request.scenario, request.axes, point.values);
        const bool approximate = !simulate::gateAsRecorded(simulator->recording(), here);
        QString caveat = QString::fromStdString(simulator->caveat(here));
        const std::lock_guard lock(mutex);
        points.push_back({point.values, point.figures, approximate, std::move(caveat)});
        outcome->approximate |= approximate;
    });
}

void SimulationRunner::Job::work() noexcept {
    try {
        read();
        {
            const std::lock_guard lock(mutex);
            recorded = simulator->recording().figures;
        }
        outcome = Outcome{.recorded = simulator->recording().figures,
                          .estimate = {},
                          .caveat = QString::fromStdString(simulator->caveat(request.scenario)),
                          .upToToken = static_cast<int>(simulator->recording().figures.tokens)};
        request.axes.empty() ? simulateOne() : simulateSweep();
    } catch (const simulate::Cancelled&) {
        cancelled = true;
    } catch (const std::exception& refusal) {
        problem = QString::fromUtf8(refusal.what());
    }
}

SimulationRunner::SimulationRunner(QObject* parent) : QObject(parent) {
    m_poll.setInterval(kPollMs);
    connect(&m_poll, &QTimer::timeout, this, &SimulationRunner::poll);
}

SimulationRunner::~SimulationRunner() {
    if (m_job)
        m_job->stop = true;
    if (m_thread)
        m_thread->wait();
}

void SimulationRunner::run(const Request& request) {
    if (m_job) {
        m_next = request;
        m_job->stop = true;
        return;
    }
    begin(request);
}

void SimulationRunner::cancel() {
    m_next.reset();
    if (m_job)
        m_job->stop = true;
}

void SimulationRunner::forget() {
    cancel();
    m_simulator.reset();
    m_known.clear();
}

void SimulationRunner::begin(const Request& request) {
    m_request = request;
    m_job = std::make_shared<Job>();
    m_job->request = request;
    if (knows(request.session) && !request.again)
        m_job->simulator = m_simulator;
    m_clock.start();
    m_thread = QThread::create([job = m_job] { job->work(); });
    m_thread->setParent(this);
    connect(m_thread, &QThread::finished, this, &SimulationRunner::end);
    connect(m_thread, &QThread::finished, m_thread, &QObject::deleteLater);
    m_thread->start(QThread::LowPriority);
    m_poll.start();
    Q_EMIT started();
}

void SimulationRunner::poll() {
    const double share = m_job->share;
    const double seconds = static_cast<double>(m_clock.elapsed()) / 1000;
    Q_EMIT progressed(share, share > kKnownShare ? seconds / share * (1 - share) : -1);
    if (m_job->request.axes.empty() || m_job->stop)
        return;
    std::vector<SweptPoint> points;
    std::optional<simulate::Figures> recorded;
    {
        const std::lock_guard lock(m_job->mutex);
        points.swap(m_job->points);
        recorded = m_job->recorded;
    }
    if (!recorded)
        return;
    if (!std::exchange(m_job->announced, true))
        Q_EMIT pointsArrived({}, *recorded);
    if (!points.empty())
        Q_EMIT pointsArrived(points, *recorded);
}

void SimulationRunner::end() {
    m_poll.stop();
    poll();
    const std::shared_ptr<Job> job = std::move(m_job);
    m_job.reset();
    m_thread = nullptr;
    if (job->simulator) {
        m_simulator = job->simulator;
        m_known = job->request.session;
    }
    if (m_next) {
        begin(*std::exchange(m_next, std::nullopt));
        return;
    }
    if (job->cancelled)
        Q_EMIT cancelled();
    else if (!job->problem.isEmpty())
        Q_EMIT failed(job->problem);
    else
        Q_EMIT finished(*job->outcome);
}

} // namespace moescope::ui

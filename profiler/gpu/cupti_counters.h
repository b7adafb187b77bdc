#pragma once
#include "profiler/gpu/clock_alignment.h"
#include "profiler/gpu/cupti_counter_session.h"
#include "profiler/gpu/gpu_counters.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace moescope::gpu {

/// Reads counters by PM sampling, a millisecond apart, on a thread of its own. Which of the link's two counters counts bytes to
/// the device is not documented: a copy of known size at the start tells.
class CuptiCounters final : public GpuCounters {
public:
    /// Copies a known number of bytes to the device and returns it; 0 if it cannot.
    using KnownCopy = std::function<std::int64_t()>;

    /// `api` may be a fake. Throws CuptiMissing with the reason.
    CuptiCounters(const CounterApi& api, const KnownCopy& knownCopy, trace::TracerSource& tracers, const trace::Clock& clock);
    ~CuptiCounters() override;

    trace::TimeNs interval() const override;
    std::string status() const override { return m_status; }
    bool degraded() const override { return false; }
    void setReading(bool reading) override;
    void finish() override;

private:
    void calibrate(const KnownCopy& knownCopy);
    void run();
    void deliver();
    void tell(const CounterReading& reading);
    void fail(const std::string& sentence);
    void alignClocksNow();

    const CounterApi m_api;
    const trace::Clock& m_clock;
    CounterSession m_session;
    std::string m_status;
    bool m_readsFromHost = true; ///< the counter of reads counts what comes from the host

    std::mutex m_mutex; ///< guards what follows; held while CUPTI is used
    std::condition_variable m_wake;
    trace::Tracer& m_tracer;                      ///< of the thread; of the owner's once it ended
    ClockAlignment m_alignment = alignClocks({}); ///< not known yet
    trace::TimeNs m_lastClocks = 0;
    std::int64_t m_lastEnd = 0; ///< of the last reading, tracer time; 0 after a start
    std::vector<CounterReading> m_readings;
    bool m_reading = false;
    bool m_failed = false;
    bool m_stop = false;
    std::thread m_thread;
};

} // namespace moescope::gpu

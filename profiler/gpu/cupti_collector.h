#pragma once
#include "profiler/gpu/cupti_api.h"
#include "profiler/gpu/cupti_buffers.h"
#include "profiler/gpu/cupti_scopes.h"
#include "profiler/gpu/gpu_collector.h"
#include "profiler/gpu/nvml.h"
#include "profiler/gpu/record_events.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace moescope::gpu {

/// Records through CUPTI's activity records. A thread of its own asks for what is complete every 50 ms, turns it into
/// events and counts what was dropped. CUPTI has one subscriber per process, and so there is at most one of these at a time.
class CuptiCollector final : public GpuCollector {
public:
    /// Subscribes and begins to record. `api` may be a fake. Throws CuptiMissing with the reason: a level above Engine only.
    CuptiCollector(const CuptiApi& api, TraceLevel level, trace::TracerSource& tracers, const trace::Clock& clock);
    ~CuptiCollector() override;

    TraceLevel level() const override { return m_level; }
    std::string status() const override { return m_status; }
    bool degraded() const override { return false; }
    trace::ScopeSink& scopes() override { return m_scopes; }
    void setRecording(bool recording) override;
    void flush() override;
    void finish() override;

private:
    void subscribe();
    void begin();
    void run();
    void deliver(std::uint32_t flushFlag = 0);
    void decode(const CuptiBuffers::Full& full);
    void countLost(trace::TimeNs now);
    void measureClocks();
    void sample(trace::TimeNs now);
    void everySecond(trace::TimeNs now);

    const CuptiApi m_api;
    const TraceLevel m_level;
    const trace::Clock& m_clock;
    trace::Tracer& m_tracer; ///< of the collector's thread; of the owner's before it runs and after it ended
    CuptiBuffers& m_buffers;
    CuptiScopes m_scopes;
    std::optional<Nvml> m_nvml;
    std::string m_status;
    CUpti_SubscriberHandle m_subscriber = nullptr;
    std::atomic<bool> m_recording = true;

    // The collector's thread.
    RecordEvents m_events;
    ClockAlignment m_alignment;
    std::string m_graphName;
    trace::TimeNs m_lastDelivery = 0;
    trace::TimeNs m_lastSample = 0;
    bool m_toldRecording = true; ///< by the last sample
    trace::TimeNs m_lastClocks = 0;
    trace::TimeNs m_longestFlush = 0; ///< since the last sample
    std::int64_t m_unreadable = 0;    ///< buffers that ended in nonsense, since the last loss was told

    std::mutex m_mutex; ///< guards what follows
    std::condition_variable m_wake, m_delivered;
    std::uint64_t m_wanted = 0;
    std::uint64_t m_done = 0;
    bool m_stop = false;
    std::thread m_thread;
};

} // namespace moescope::gpu

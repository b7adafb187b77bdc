#pragma once
#include "profiler/gpu/cupti_counter_api.h"

#include <cstdint>
#include <string>
#include <vector>

namespace moescope::gpu {

/// What the counters counted over a stretch of the tracer's time.
struct CounterReading {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    double linkReadBytes = 0; ///< by the device, of the host's memory
    double linkWriteBytes = 0;
    double memoryReadPercent = 0;
    double memoryWritePercent = 0;
    double multiprocessorPercent = 0;
    double tensorPercent = 0;
};

/// CUPTI's PM sampling of device 0 in one pass, set up at construction and taken down at destruction. One thread at a time, the
/// first with the device's context.
class CounterSession {
public:
    /// Throws CuptiMissing with one sentence: no privilege, another tool at it, a chip that cannot.
    CounterSession(const CounterApi& api, std::int64_t intervalNs);
    ~CounterSession();
    CounterSession(const CounterSession&) = delete;
    CounterSession& operator=(const CounterSession&) = delete;

    /// Throw like the constructor.
    void start();
    void stop();
    /// Appends what was completed since the last call. The first reading after a start is left out: it began before.
    void read(std::vector<CounterReading>& into);
    const std::string& chip() const { return m_chip; }

private:
    using Image = std::vector<std::uint8_t>;
    void require(CUptiResult result) const;
    bool configure(const Image& availability, const std::vector<const char*>& metrics);
    void prepareData();
    void clearData();
    CounterReading readingAt(std::size_t index) const;

    const CounterApi m_api;
    std::string m_chip;
    CUpti_Profiler_Host_Object* m_host = nullptr;
    CUpti_PmSampling_Object* m_sampling = nullptr;
    std::vector<const char*> m_metrics;
    Image m_config;
    Image m_data;
    bool m_running = false;
    bool m_first = true; ///< the next reading is the first since start()
};

} // namespace moescope::gpu

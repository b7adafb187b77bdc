#pragma once
#include "engine/trace/event.h"

#include <chrono>

namespace moescope::record {

/// Measures the process that it runs in (Linux: /proc/self/statm, getrusage). Owned by the recorder; one thread.
class HostSampler {
public:
    HostSampler();
    /// CPU use is that since the last sample.
    trace::HostSample sample(trace::TimeNs at, std::int32_t recorderLagUs);

private:
    std::chrono::steady_clock::time_point m_wall;
    std::chrono::microseconds m_cpu{0};
};

} // namespace moescope::record

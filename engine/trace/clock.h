#pragma once
#include "engine/trace/ids.h"

#include <chrono>

namespace moescope::trace {

/// The one clock of a run. Owned by whoever builds the run (app/run or a test); read by every thread.
class Clock {
public:
    virtual ~Clock() = default;
    virtual TimeNs now() const = 0;
};

/// Monotonic time since construction.
class SteadyClock final : public Clock {
public:
    TimeNs now() const override {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - m_origin).count();
    }

private:
    std::chrono::steady_clock::time_point m_origin = std::chrono::steady_clock::now();
};

/// Time that stands still until told otherwise; for tests and the simulator. Not thread-safe.
class ManualClock final : public Clock {
public:
    TimeNs now() const override { return m_now; }
    void set(TimeNs now) { m_now = now; }
    void advance(TimeNs by) { m_now += by; }

private:
    TimeNs m_now = 0;
};

} // namespace moescope::trace

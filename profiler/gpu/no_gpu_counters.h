#pragma once
#include "profiler/gpu/gpu_counters.h"

#include <utility>

namespace moescope::gpu {

/// Reads nothing, and says why if somebody had asked.
class NoGpuCounters final : public GpuCounters {
public:
    explicit NoGpuCounters(std::string reason) : m_reason(std::move(reason)) {}

    trace::TimeNs interval() const override { return 0; }
    std::string status() const override { return m_reason; }
    bool degraded() const override { return !m_reason.empty(); }
    void setReading(bool) override {}
    void finish() override {}

private:
    std::string m_reason;
};

} // namespace moescope::gpu

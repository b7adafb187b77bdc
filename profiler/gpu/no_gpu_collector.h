#pragma once
#include "profiler/gpu/gpu_collector.h"

#include <utility>

namespace moescope::gpu {

/// Records nothing of a device, and says why.
class NoGpuCollector final : public GpuCollector {
public:
    NoGpuCollector(std::string reason, bool degraded) : m_reason(std::move(reason)), m_degraded(degraded) {}

    TraceLevel level() const override { return TraceLevel::Engine; }
    std::string status() const override { return m_reason; }
    bool degraded() const override { return m_degraded; }
    trace::ScopeSink& scopes() override { return m_scopes; }
    void setRecording(bool) override {}
    void flush() override {}
    void finish() override {}

private:
    std::string m_reason;
    bool m_degraded = false;
    trace::NullScopes m_scopes;
};

} // namespace moescope::gpu

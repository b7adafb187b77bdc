#pragma once
#include "engine/trace/scope.h"
#include "profiler/gpu/cupti_api.h"
#include "profiler/gpu/gpu_collector.h"

#include <atomic>

namespace moescope::gpu {

/// Hands the engine's scopes to CUPTI as external correlation ids: the place as CUSTOM0, the transfer as CUSTOM1. At the level
/// of copies only transfers are told, because nothing else needs them. Any thread.
class CuptiScopes final : public trace::ScopeSink {
public:
    CuptiScopes(const CuptiApi& api, TraceLevel level) : m_api(api), m_everything(level >= TraceLevel::Launches) {}

    void setRecording(bool recording) { m_recording.store(recording, std::memory_order_relaxed); }
    void push(const trace::Scope& scope) noexcept override;
    void pop() noexcept override;

private:
    const CuptiApi& m_api;
    const bool m_everything;
    std::atomic<bool> m_recording = true;
};

} // namespace moescope::gpu

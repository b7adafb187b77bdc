#pragma once
#include "engine/trace/scope.h"
#include "profiler/gpu/cupti_api.h"

#include <atomic>

namespace moescope::gpu {

/// Hands the engine's scopes to CUPTI as external correlation ids: the place as CUSTOM0, the transfer as CUSTOM1. Any thread.
class CuptiScopes final : public trace::ScopeSink {
public:
    explicit CuptiScopes(const CuptiApi& api) : m_api(api) {}

    void setRecording(bool recording) { m_recording.store(recording, std::memory_order_relaxed); }
    void push(const trace::Scope& scope) noexcept override;
    void pop() noexcept override;

private:
    const CuptiApi& m_api;
    std::atomic<bool> m_recording = true;
};

} // namespace moescope::gpu

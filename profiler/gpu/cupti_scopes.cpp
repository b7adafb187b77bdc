#include "profiler/gpu/cupti_scopes.h"

#include "profiler/gpu/scope_code.h"

#include <cstdint>

namespace moescope::gpu {
namespace {

constexpr std::uint64_t kPlace = 1;
constexpr std::uint64_t kTransfer = 2;
constexpr int kBitsPerScope = 2;

/// What this thread's open scopes told CUPTI, two bits each, the innermost lowest: recording may stop between push and pop.
thread_local std::uint64_t openScopes = 0;

} // namespace

void CuptiScopes::push(const trace::Scope& scope) noexcept {
    std::uint64_t told = 0;
    if (m_recording.load(std::memory_order_relaxed) && (m_everything || scope.transfer.valid())) {
        if (m_api.pushId(CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0, encodePlace(scope)) == CUPTI_SUCCESS)
            told |= kPlace;
        if (scope.transfer.valid() && m_api.pushId(CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM1,
                                                   static_cast<std::uint64_t>(scope.transfer.value)) == CUPTI_SUCCESS)
            told |= kTransfer;
    }
    openScopes = (openScopes << kBitsPerScope) | told;
}

void CuptiScopes::pop() noexcept {
    const std::uint64_t told = openScopes;
    openScopes >>= kBitsPerScope;
    std::uint64_t last = 0;
    if (told & kTransfer)
        m_api.popId(CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM1, &last);
    if (told & kPlace)
        m_api.popId(CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0, &last);
}

} // namespace moescope::gpu

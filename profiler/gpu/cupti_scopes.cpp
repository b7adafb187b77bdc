#include "profiler/gpu/cupti_scopes.h"

#include "profiler/gpu/scope_code.h"

#include <cstdint>

namespace moescope::gpu {
namespace {

constexpr std::uint64_t kPlace = 1;
constexpr std::uint64_t kTransfer = 2;
constexpr std::uint64_t kAnyTransfer = 0xaaaaaaaaaaaaaaaa;
constexpr int kBitsPerScope = 2;

/// What this thread's open scopes told CUPTI, two bits each, the innermost lowest: recording may stop between push and pop.
thread_local std::uint64_t openScopes = 0;

} // namespace

void CuptiScopes::push(const trace::Scope& scope) noexcept {
    std::uint64_t told = 0;
    if (m_recording.load(std::memory_order_relaxed)) {
        if (m_api.pushId(CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0, encodePlace(scope)) == CUPTI_SUCCESS)
            told |= kPlace;
        // An outer scope's transfer must not pass for the inner one's.
        if ((scope.transfer.valid() || (openScopes & kAnyTransfer) != 0) &&
            m_api.pushId(CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM1, encodeTransfer(scope.transfer)) == CUPTI_SUCCESS)
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

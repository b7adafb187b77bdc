#pragma once
#include "engine/trace/scope.h"

#include <cstddef>
#include <span>
#include <string_view>

namespace moescope::trace {

using Payload = std::span<const std::byte>;

inline Payload asPayload(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}
/// The inverse; valid as long as the payload.
inline std::string_view asText(Payload payload) {
    return {reinterpret_cast<const char*>(payload.data()), payload.size()};
}

/// Where one thread says what happened. Each producing thread has its own, so emit needs no lock. Never blocks, never throws;
/// what does not fit is counted as lost.
class Tracer {
public:
    virtual ~Tracer() = default;
    virtual void emit(const Event& event, Payload payload = {}) noexcept = 0;
};

/// Hands out one Tracer per producing thread, and tells who wants to know what device work is for. Both live as long as the
/// source. Thread-safe.
class TracerSource {
public:
    virtual ~TracerSource() = default;
    virtual Tracer& openProducer(std::string_view name) = 0;
    virtual ScopeSink& scopes() { return m_nobody; }

private:
    NullScopes m_nobody;
};

/// Forgets everything.
class NullTracer final : public Tracer, public TracerSource {
public:
    void emit(const Event&, Payload) noexcept override {}
    Tracer& openProducer(std::string_view) override { return *this; }
};

} // namespace moescope::trace

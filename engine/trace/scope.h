#pragma once
#include "engine/trace/event.h"

namespace moescope::trace {

/// What the engine is about when it hands work to a device. Invalid ids say "none": no token outside a forward pass, no
/// transfer for anything but the bytes of an expert.
struct Scope {
    TokenIndex token; ///< first token of the pass; for a copy the token that asked for it
    ExpertKey key;    ///< layer, and expert where the work belongs to one
    Stage stage = Stage::Step;
    TransferId transfer;
};

/// Learns from the engine what each piece of device work is for. A stack per thread: what a thread submits belongs to the
/// innermost scope it has open. The engine knows nothing of who listens (CUPTI external correlation, or nobody). Thread-safe;
/// never blocks.
class ScopeSink {
public:
    virtual ~ScopeSink() = default;
    virtual void push(const Scope& scope) noexcept = 0;
    virtual void pop() noexcept = 0;
    /// False: nobody will ever ask, so that work may be handed over in larger pieces than scopes tell apart.
    virtual bool listens() const noexcept { return true; }
};

/// Nobody listens.
class NullScopes final : public ScopeSink {
public:
    void push(const Scope&) noexcept override {}
    void pop() noexcept override {}
    bool listens() const noexcept override { return false; }
};

/// A scope for as long as this object lives, on this thread.
class OpenScope {
public:
    OpenScope(ScopeSink& sink, const Scope& scope) noexcept : m_sink(sink) { m_sink.push(scope); }
    ~OpenScope() { m_sink.pop(); }
    OpenScope(const OpenScope&) = delete;
    OpenScope& operator=(const OpenScope&) = delete;

private:
    ScopeSink& m_sink;
};

} // namespace moescope::trace

#pragma once
#include "engine/expert/expert_mover.h"
#include "engine/trace/clock.h"
#include "engine/trace/tracer.h"

namespace moescope::expert {

/// Copies at once, inside request(), on the caller's thread: for tests and for runs that bring everything in at the start. It
/// knows no link; cancel() always comes too late. One thread.
class ImmediateMover final : public ExpertMover {
public:
    ImmediateMover(ExpertLoader& loader, trace::Tracer& tracer, const trace::Clock& clock);

    trace::TransferId request(const TransferRequest& request) override;
    void promote(trace::TransferId) override {}
    void cancel(trace::TransferId) override {}
    std::vector<TransferDone> poll() override;
    void waitForOne() override {}
    void setLink(const Link&) override {}

private:
    ExpertLoader& m_loader;
    trace::Tracer& m_tracer;
    const trace::Clock& m_clock;
    std::int32_t m_nextId = 0;
    std::vector<TransferDone> m_done;
};

} // namespace moescope::expert

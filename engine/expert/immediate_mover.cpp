#include "engine/expert/immediate_mover.h"

#include <utility>

namespace moescope::expert {

ImmediateMover::ImmediateMover(ExpertLoader& loader, trace::Tracer& tracer, const trace::Clock& clock)
    : m_loader(loader), m_tracer(tracer), m_clock(clock) {}

trace::TransferId ImmediateMover::request(const TransferRequest& request) {
    trace::TransferSpan span{.begin = m_clock.now(),
                             .end = 0,
                             .queuedAt = 0,
                             .token = request.token,
                             .key = request.key,
                             .transfer = trace::TransferId(m_nextId++),
                             .cause = request.cause};
    span.queuedAt = span.begin;
    const int blocks = m_loader.blocks(request.key);
    for (int block = 0; block < blocks; ++block)
        span.bytes += m_loader.loadBlock(request.key, request.slot, block);
    span.end = m_clock.now();
    m_tracer.emit(span);
    m_done.push_back({span.transfer, request.key, span.outcome, span.queuedAt, span.begin, span.end, span.bytes});
    return span.transfer;
}

std::vector<TransferDone> ImmediateMover::poll() {
    return std::exchange(m_done, {});
}

} // namespace moescope::expert

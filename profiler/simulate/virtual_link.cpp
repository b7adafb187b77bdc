#include "profiler/simulate/virtual_link.h"

#include <algorithm>
#include <utility>

namespace moescope::simulate {

using expert::Transfer;

int blocksOf(std::int64_t expertBytes) {
    // As the CPU backend cuts them (engine/backend/cpu/expert_slots.cpp); a bound, because the size comes from a file.
    constexpr std::int64_t kBlockBytes = 48 << 10;
    constexpr std::int64_t kMostBlocks = 4096;
    return static_cast<int>(
        std::clamp<std::int64_t>(expertBytes / kBlockBytes + (expertBytes % kBlockBytes) / (kBlockBytes / 2), 1, kMostBlocks));
}

VirtualLink::VirtualLink(Expert expert, const expert::Link& link, trace::Tracer& tracer, trace::ManualClock& clock)
    : m_expert(expert), m_link(link), m_tracer(tracer), m_clock(clock) {}

void VirtualLink::setConditions(const MoveCosts& costs, bool ideal) {
    m_costs = costs;
    m_ideal = ideal;
}

trace::TimeNs VirtualLink::copyNs() const {
    const trace::TimeNs link = linkNs(m_link, m_expert.bytes);
    if (m_ideal)
        return link;
    return std::max(link > 0 ? link + m_costs.late : 0, m_costs.copy);
}

trace::TransferId VirtualLink::request(const expert::TransferRequest& request) {
    const trace::TimeNs now = m_clock.now();
    advance(now);
    if (!m_moving && m_queue.empty())
        m_looksAt = std::max(m_looksAt, now + (m_ideal ? 0 : m_costs.handOver));
    Transfer transfer;
    transfer.id = trace::TransferId(m_nextId++);
    transfer.request = request;
    transfer.queuedAt = now;
    m_queue.push(transfer);
    if (!m_ideal)
        m_clock.advance(m_costs.request);
    return transfer.id;
}

void VirtualLink::promote(trace::TransferId transfer) {
    advance(m_clock.now());
    if (m_moving && m_transfer.id == transfer)
        m_transfer.promoted = true;
    else
        m_queue.promote(transfer);
}

void VirtualLink::cancel(trace::TransferId transfer) {
    advance(m_clock.now());
    if (m_moving && m_transfer.id == transfer)
        m_cancelMoving = true;
    else if (const auto queued = m_queue.remove(transfer))
        tell(*queued, trace::TransferOutcome::Cancelled);
}

void VirtualLink::withdraw(trace::TransferId transfer) {
    advance(m_clock.now());
    if (!m_moving || m_transfer.id != transfer)
        cancel(transfer);
}

std::vector<expert::TransferDone> VirtualLink::poll() {
    advance(m_clock.now());
    return std::exchange(m_done, {});
}

void VirtualLink::waitForOne() {
    advance(m_clock.now());
    if (!m_done.empty())
        return;
    while (m_done.empty() && (m_moving || !m_queue.empty()))
        advance(m_moving ? m_blockEnd : m_looksAt);
    if (!m_done.empty()) {
        const trace::TimeNs end = m_looksAt - (m_ideal ? 0 : m_costs.gap);
        m_clock.set(std::max(m_clock.now(), end) + (m_ideal ? 0 : m_costs.notice));
    }
}

void VirtualLink::setLink(const expert::Link& link) {
    advance(m_clock.now());
    m_link = link;
}

void VirtualLink::advance(trace::TimeNs until) {
    while (true) {
        if (m_moving) {
            if (m_blockEnd > until)
                return;
            passBlock();
        } else if (!m_queue.empty() && m_looksAt <= until) {
            start();
        } else {
            return;
        }
    }
}

void VirtualLink::start() {
    m_transfer = *m_queue.pop();
    m_moving = true;
    m_cancelMoving = false;
    if (!m_transfer.started())
        m_transfer.begin = m_looksAt;
    m_transfer.emulated = true;
    m_segmentBegin = m_looksAt;
    m_segmentBlock = m_transfer.nextBlock;
    m_segmentLatency = m_link.emulated() ? m_link.latencyNs : 0;
    m_segmentNs = std::max<trace::TimeNs>(0, copyNs() - m_segmentLatency);
    m_blockEnd = blockEnd();
}

trace::TimeNs VirtualLink::blockEnd() const {
    const int passed = m_transfer.nextBlock + 1 - m_segmentBlock;
    return m_segmentBegin + m_segmentLatency +
           static_cast<trace::TimeNs>(static_cast<double>(m_segmentNs) * passed / m_expert.blocks);
}

void VirtualLink::passBlock() {
    m_transfer.end = m_blockEnd;
    ++m_transfer.nextBlock;
    m_blockEnd = blockEnd();
    m_transfer.bytes = m_expert.bytes / m_expert.blocks * m_transfer.nextBlock;
    if (m_transfer.nextBlock == m_expert.blocks) {
        m_transfer.bytes = m_expert.bytes;
        finish(trace::TransferOutcome::Completed);
    } else if (m_cancelMoving) {
        finish(trace::TransferOutcome::Cancelled);
    } else if (!m_transfer.urgent() && m_queue.demandWaits()) {
        m_looksAt = m_transfer.end;
        m_moving = false;
        m_queue.putBack(m_transfer);
    }
}

void VirtualLink::finish(trace::TransferOutcome outcome) {
    m_looksAt = m_transfer.end + (m_ideal ? 0 : m_costs.gap);
    m_moving = false;
    tell(m_transfer, outcome);
}

void VirtualLink::tell(const Transfer& transfer, trace::TransferOutcome outcome) {
    if (transfer.started())
        m_tracer.emit(trace::TransferSpan{.begin = transfer.begin,
                                          .end = transfer.end,
                                          .queuedAt = transfer.queuedAt,
                                          .token = transfer.request.token,
                                          .key = transfer.request.key,
                                          .transfer = transfer.id,
                                          .cause = transfer.request.cause,
                                          .outcome = outcome,
                                          .emulated = true,
                                          .bytes = transfer.bytes});
    m_done.push_back(transfer.done(outcome));
}

} // namespace moescope::simulate

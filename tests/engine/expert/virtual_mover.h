#pragma once
#include "engine/expert/transfer_queue.h"
#include "engine/trace/clock.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace moescope::expert {

/// A serial link on a clock that only waiting moves: every transfer takes the same time. Cancelling a moving one takes effect
/// when half of it is through. Remembers what each slot holds.
class VirtualMover final : public ExpertMover {
public:
    static constexpr std::int64_t kBytes = 1000;
    VirtualMover(trace::ManualClock& clock, trace::TimeNs perTransfer) : m_clock(clock), m_perTransfer(perTransfer) {}

    trace::TransferId request(const TransferRequest& request) override {
        Transfer transfer;
        transfer.id = trace::TransferId(m_nextId++);
        transfer.request = request;
        transfer.queuedAt = m_clock.now();
        requests.push_back(request);
        holds.erase(request.slot);
        m_queue.push(transfer);
        begin();
        return transfer.id;
    }
    void promote(trace::TransferId transfer) override {
        promoted.push_back(transfer);
        m_queue.promote(transfer);
    }
    void cancel(trace::TransferId transfer) override {
        cancelled.push_back(transfer);
        if (m_moving && m_moving->id == transfer) {
            if (m_clock.now() < m_moving->begin + m_perTransfer / 2)
                m_cancelMoving = true;
        } else if (const auto queued = m_queue.remove(transfer)) {
            m_done.push_back(queued->done(trace::TransferOutcome::Cancelled));
        }
    }
    void withdraw(trace::TransferId transfer) override {
        if (!m_moving || m_moving->id != transfer)
            cancel(transfer);
    }
    std::vector<TransferDone> poll() override {
        settleUntilNow();
        return std::exchange(m_done, {});
    }
    void waitForOne() override {
        settleUntilNow();
        if (m_done.empty() && m_moving)
            m_clock.set(endOfMoving());
        settleUntilNow();
    }
    void setLink(const Link&) override {}

    std::vector<TransferRequest> requests;
    std::vector<trace::TransferId> promoted;
    std::vector<trace::TransferId> cancelled;
    std::map<int, trace::ExpertKey> holds; ///< [slot], once the copy is complete

private:
    trace::TimeNs endOfMoving() const { return m_moving->begin + (m_cancelMoving ? m_perTransfer / 2 : m_perTransfer); }

    void begin() {
        if (m_moving)
            return;
        m_moving = m_queue.pop();
        m_cancelMoving = false;
        if (m_moving)
            m_moving->begin = std::max(m_linkFree, m_moving->queuedAt);
    }

    void settleUntilNow() {
        while (m_moving && endOfMoving() <= m_clock.now()) {
            Transfer moved = *m_moving;
            moved.end = endOfMoving();
            moved.bytes = m_cancelMoving ? kBytes / 2 : kBytes;
            m_linkFree = endOfMoving();
            const auto outcome = m_cancelMoving ? trace::TransferOutcome::Cancelled : trace::TransferOutcome::Completed;
            if (!m_cancelMoving)
                holds[moved.request.slot] = moved.request.key;
            m_done.push_back(moved.done(outcome));
            m_moving.reset();
            begin();
        }
    }

    trace::ManualClock& m_clock;
    trace::TimeNs m_perTransfer;
    trace::TimeNs m_linkFree = 0;
    std::int32_t m_nextId = 0;
    TransferQueue m_queue;
    std::optional<Transfer> m_moving;
    bool m_cancelMoving = false;
    std::vector<TransferDone> m_done;
};

} // namespace moescope::expert

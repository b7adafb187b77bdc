#pragma once
#include "engine/expert/transfer_queue.h"
#include "engine/trace/clock.h"
#include "engine/trace/tracer.h"
#include "profiler/simulate/machine_timing.h"

namespace moescope::simulate {

/// The mover of a simulation: moves nothing, and lets the virtual clock say when it would have. As ThreadMover: one copy at a
/// time, demand before prefetch before allocation, a guess makes way at a block's end, cancelled at a block's end. Asking and
/// waiting move the clock. Owned by a Simulation; one thread.
class VirtualLink final : public expert::ExpertMover {
public:
    struct Expert {
        std::int64_t bytes = 0;
        int blocks = 1;
    };
    VirtualLink(Expert expert, const expert::Link& link, trace::Tracer& tracer, trace::ManualClock& clock);

    /// From now on; ideal: only the link's own time counts.
    void setConditions(const MoveCosts& costs, bool ideal);

    trace::TransferId request(const expert::TransferRequest& request) override;
    void promote(trace::TransferId transfer) override;
    void cancel(trace::TransferId transfer) override;
    void withdraw(trace::TransferId transfer) override;
    std::vector<expert::TransferDone> poll() override;
    void waitForOne() override;
    void setLink(const expert::Link& link) override;

private:
    void advance(trace::TimeNs until);
    void start();
    void passBlock();
    void finish(trace::TransferOutcome outcome);
    void tell(const expert::Transfer& transfer, trace::TransferOutcome outcome);
    trace::TimeNs blockEnd() const;
    trace::TimeNs copyNs() const;

    Expert m_expert;
    expert::Link m_link;
    trace::Tracer& m_tracer;
    trace::ManualClock& m_clock;
    MoveCosts m_costs;
    bool m_ideal = false;

    std::int32_t m_nextId = 0;
    expert::TransferQueue m_queue;
    bool m_moving = false;
    expert::Transfer m_transfer; ///< while moving
    bool m_cancelMoving = false;
    trace::TimeNs m_segmentBegin = 0; ///< of the blocks that move without a break
    trace::TimeNs m_segmentLatency = 0;
    trace::TimeNs m_segmentNs = 0; ///< a whole expert would take, without the latency
    int m_segmentBlock = 0;
    trace::TimeNs m_blockEnd = 0; ///< of the block that moves: asked for far more often than it changes
    trace::TimeNs m_looksAt = 0;  ///< when the mover takes the next transfer from its queue
    std::vector<expert::TransferDone> m_done;
};

/// Blocks in which the engine moves an expert of this size: a transfer can be broken off between two.
int blocksOf(std::int64_t expertBytes);

} // namespace moescope::simulate

#pragma once
#include "engine/expert/transfer_queue.h"
#include "engine/trace/clock.h"
#include "engine/trace/tracer.h"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

namespace moescope::expert {

/// Copies on one thread of its own, block by block, over a link that carries one transfer at a time; a loader that copies in
/// the background is kept a few blocks ahead. Demand makes a prefetch pause at the next block boundary. An emulated link is a
/// lower bound on time: a transfer ends no earlier than latency + bytes / bandwidth after its first byte (a resumed one pays
/// the latency again). Owned by the engine and used on its thread; the loader is called on the mover's. Needs a clock that runs
/// by itself.
class ThreadMover final : public ExpertMover {
public:
    ThreadMover(ExpertLoader& loader, Link link, trace::TracerSource& tracers, const trace::Clock& clock);
    /// Stops at the next block boundary; what is under way is given up.
    ~ThreadMover() override;

    trace::TransferId request(const TransferRequest& request) override;
    void promote(trace::TransferId transfer) override;
    void cancel(trace::TransferId transfer) override;
    void withdraw(trace::TransferId transfer) override;
    std::vector<TransferDone> poll() override;
    void waitForOne() override;
    void setLink(const Link& link) override;

private:
    using Lock = std::unique_lock<std::mutex>;
    /// When the emulated link has carried what was copied since the transfer began or resumed.
    struct Pace {
        trace::TimeNs due = 0;
        bool running = false;
    };

    void run();
    void rest(Lock& lock);
    void move(Lock& lock, Transfer transfer);
    void carryBlock(Transfer& transfer, const Link& link, Pace& pace);
    void loadNextBlock(Transfer& transfer);
    void endOldestBlock(Transfer& transfer);
    void endBegun(Lock& lock, Transfer& transfer);
    void fail(std::exception_ptr failure);
    void waitUntil(trace::TimeNs due) const;
    void finish(const Transfer& transfer, trace::TransferOutcome outcome);
    void tellFirstPart(Transfer& transfer, int blocks);
    void tell(const TransferDone& done);
    void closeAborted();
    void signalMover();

    ExpertLoader& m_loader;
    trace::Tracer& m_tracer; ///< the mover thread's
    trace::ScopeSink& m_scopes;
    const trace::Clock& m_clock;

    // The engine's thread only.
    std::int32_t m_nextId = 0;
    std::uint64_t m_requested = 0;
    std::uint64_t m_collected = 0; ///< transfers that poll() has returned as finished
    std::uint64_t m_heard = 0;     ///< entries of m_done that poll() has returned

    std::mutex m_mutex; ///< guards the following, down to m_failure
    std::condition_variable m_work;
    std::condition_variable m_ended;
    TransferQueue m_queue;
    std::vector<Transfer> m_aborted; ///< cancelled between two blocks; the mover's thread still has to report them
    std::vector<TransferDone> m_done;
    Link m_link;
    trace::TransferId m_moving;
    bool m_promoteMoving = false;
    bool m_cancelMoving = false;
    std::exception_ptr m_failure;

    std::atomic<bool> m_stop = false;
    std::atomic<std::uint64_t> m_signals = 0; ///< changes whenever the mover has something to look at
    std::atomic<std::uint64_t> m_told = 0;    ///< entries put into m_done so far
    std::thread m_thread;                     ///< last: it uses all of the above
};

} // namespace moescope::expert

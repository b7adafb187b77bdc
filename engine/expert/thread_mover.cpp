#include "engine/expert/thread_mover.h"

#include "engine/expert/spin_wait.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <sys/prctl.h>
#include <utility>

namespace moescope::expert {

namespace {

// Both threads spin this long before they sleep: waking a sleeper costs as much as many a copy takes.
constexpr std::chrono::microseconds kSpin{30};
// A sleep is ended this much before the deadline, because the kernel wakes late; the rest is spun.
constexpr trace::TimeNs kWakeMarginNs = 80'000;
// Longest single sleep, so that the destructor need not wait for a slow link.
constexpr trace::TimeNs kLongestSleepNs = 5'000'000;

void sleepFor(trace::TimeNs ns) {
    const timespec duration{.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &duration, nullptr);
}

} // namespace

ThreadMover::ThreadMover(ExpertLoader& loader, Link link, trace::TracerSource& tracers, const trace::Clock& clock)
    : m_loader(loader), m_tracer(tracers.openProducer("mover")), m_scopes(tracers.scopes()), m_clock(clock),
      m_link(std::move(link)), m_thread([this] { run(); }) {}

ThreadMover::~ThreadMover() {
    {
        const Lock lock(m_mutex);
        m_stop = true;
        signalMover();
    }
    m_thread.join();
}

trace::TransferId ThreadMover::request(const TransferRequest& request) {
    Transfer transfer;
    transfer.id = trace::TransferId(m_nextId++);
    transfer.request = request;
    transfer.queuedAt = m_clock.now();
    ++m_requested;
    const Lock lock(m_mutex);
    m_queue.push(transfer);
    signalMover();
    return transfer.id;
}

void ThreadMover::promote(trace::TransferId transfer) {
    const Lock lock(m_mutex);
    if (m_moving == transfer)
        m_promoteMoving = true;
    else if (m_queue.promote(transfer))
        signalMover();
}

void ThreadMover::cancel(trace::TransferId transfer) {
    const Lock lock(m_mutex);
    if (m_moving == transfer) {
        m_cancelMoving = true;
        return;
    }
    const auto queued = m_queue.remove(transfer);
    if (!queued)
        return;
    if (queued->started()) {
        m_aborted.push_back(*queued);
        signalMover();
    } else {
        tell(queued->done(trace::TransferOutcome::Cancelled));
    }
}

void ThreadMover::withdraw(trace::TransferId transfer) {
    {
        const Lock lock(m_mutex);
        if (m_moving == transfer)
            return;
    }
    // It may begin in between: then it is cancelled at its first block boundary, which is as good.
    cancel(transfer);
}

std::vector<TransferDone> ThreadMover::poll() {
    if (m_told.load(std::memory_order_acquire) == m_heard)
        return {};
    const Lock lock(m_mutex);
    std::vector<TransferDone> done = std::exchange(m_done, {});
    m_heard += done.size();
    for (const TransferDone& one : done)
        m_collected += one.firstPart ? 0 : 1;
    return done;
}

void ThreadMover::waitForOne() {
    if (m_requested == m_collected)
        return;
    if (spinUntil(kSpin, [this] { return m_told.load(std::memory_order_acquire) != m_heard; }))
        return;
    Lock lock(m_mutex);
    m_ended.wait(lock, [this] { return !m_done.empty() || m_failure; });
    if (m_done.empty())
        std::rethrow_exception(m_failure);
}

void ThreadMover::setLink(const Link& link) {
    const Lock lock(m_mutex);
    m_link = link;
}

void ThreadMover::signalMover() {
    m_signals.fetch_add(1, std::memory_order_release);
    m_work.notify_one();
}

void ThreadMover::run() {
#if defined(__linux__)
    prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL); // the default lets every sleep run 50 us over
#endif
    Lock lock(m_mutex);
    while (!m_stop && !m_failure) {
        closeAborted();
        if (const auto transfer = m_queue.pop())
            move(lock, *transfer);
        else
            rest(lock);
    }
    while (const auto transfer = m_queue.pop())
        if (transfer->started())
            m_aborted.push_back(*transfer);
    closeAborted();
}

void ThreadMover::rest(Lock& lock) {
    const std::uint64_t seen = m_signals.load(std::memory_order_acquire);
    const auto signalled = [this, seen] { return m_signals.load(std::memory_order_acquire) != seen; };
    lock.unlock();
    const bool found = spinUntil(kSpin, signalled);
    lock.lock();
    if (!found)
        m_work.wait(lock, signalled);
}

void ThreadMover::move(Lock& lock, Transfer transfer) {
    const int blocks = m_loader.blocks(transfer.request.key);
    Pace pace;
    m_moving = transfer.id;
    m_promoteMoving = false;
    m_cancelMoving = false;
    while (transfer.nextBlock < blocks && !m_cancelMoving && !m_stop) {
        transfer.promoted = transfer.promoted || std::exchange(m_promoteMoving, false);
        const bool givesWay = !transfer.urgent() && m_queue.demandWaits();
        if (givesWay) {
            endBegun(lock, transfer);
            if (m_failure)
                return;
            if (transfer.nextBlock == blocks || m_cancelMoving)
                break;
            transfer.promoted = std::exchange(m_promoteMoving, false);
            m_moving = {};
            m_queue.putBack(transfer);
            return;
        }
        const Link link = m_link;
        lock.unlock();
        std::exception_ptr failure;
        try {
            carryBlock(transfer, link, pace);
        } catch (...) {
            failure = std::current_exception();
        }
        lock.lock();
        if (failure)
            return fail(failure);
        tellFirstPart(transfer, blocks);
    }
    endBegun(lock, transfer);
    if (m_failure)
        return;
    m_moving = {};
    finish(transfer, transfer.nextBlock < blocks ? trace::TransferOutcome::Cancelled : trace::TransferOutcome::Completed);
}

void ThreadMover::fail(std::exception_ptr failure) {
    m_failure = std::move(failure);
    m_moving = {};
    m_ended.notify_one();
}

void ThreadMover::endBegun(Lock& lock, Transfer& transfer) {
    if (transfer.begunBlocks <= transfer.nextBlock)
        return;
    lock.unlock();
    std::exception_ptr failure;
    try {
        while (transfer.begunBlocks > transfer.nextBlock)
            endOldestBlock(transfer);
    } catch (...) {
        failure = std::current_exception();
    }
    lock.lock();
    if (failure)
        fail(failure);
}

void ThreadMover::carryBlock(Transfer& transfer, const Link& link, Pace& pace) {
    const TransferRequest& request = transfer.request;
    const trace::OpenScope open(m_scopes, {request.token, request.key, trace::Stage::Experts, transfer.id});
    const trace::TimeNs begin = m_clock.now();
    if (!transfer.started() && m_loader.blocksAtOnce() == 1)
        transfer.begin = begin;
    if (link.emulated() && !pace.running)
        pace = {.due = begin + link.latencyNs, .running = true};
    const std::int64_t before = transfer.bytes;
    const int ahead = link.emulated() ? 1 : m_loader.blocksAtOnce();
    if (m_loader.blocksAtOnce() == 1) {
        loadNextBlock(transfer);
    } else {
        const int blocks = m_loader.blocks(request.key);
        for (; transfer.begunBlocks < blocks && transfer.begunBlocks - transfer.nextBlock < ahead; ++transfer.begunBlocks)
            m_loader.beginBlock(request.key, request.slot, transfer.begunBlocks, transfer.urgent(), m_clock.now());
        endOldestBlock(transfer);
    }
    if (link.emulated()) {
        transfer.emulated = true;
        pace.due +=
            static_cast<trace::TimeNs>(std::ceil(static_cast<double>(transfer.bytes - before) / link.bytesPerSecond * 1e9));
        waitUntil(pace.due);
        transfer.end = m_clock.now();
    }
}

void ThreadMover::loadNextBlock(Transfer& transfer) {
    transfer.bytes += m_loader.loadBlock(transfer.request.key, transfer.request.slot, transfer.nextBlock);
    transfer.begunBlocks = ++transfer.nextBlock;
    transfer.end = m_clock.now();
}

void ThreadMover::endOldestBlock(Transfer& transfer) {
    const BlockMoved moved = m_loader.endBlock(m_clock);
    transfer.end = moved.end;
    if (!transfer.started())
        transfer.begin = moved.begin;
    transfer.bytes += moved.bytes;
    ++transfer.nextBlock;
}

void ThreadMover::waitUntil(trace::TimeNs due) const {
    while (!m_stop.load(std::memory_order_relaxed)) {
        const trace::TimeNs left = due - m_clock.now();
        if (left <= 0)
            return;
        if (left > kWakeMarginNs)
            sleepFor(std::min(left - kWakeMarginNs, kLongestSleepNs));
        else
            relaxCpu();
    }
}

void ThreadMover::finish(const Transfer& transfer, trace::TransferOutcome outcome) {
    const TransferRequest& request = transfer.request;
    if (transfer.started())
        m_tracer.emit(trace::TransferSpan{.begin = transfer.begin,
                                          .end = transfer.end,
                                          .queuedAt = transfer.queuedAt,
                                          .token = request.token,
                                          .key = request.key,
                                          .transfer = transfer.id,
                                          .cause = request.cause,
                                          .outcome = outcome,
                                          .emulated = transfer.emulated,
                                          .bytes = transfer.bytes});
    tell(transfer.done(outcome));
}

void ThreadMover::tellFirstPart(Transfer& transfer, int blocks) {
    const int first = m_loader.blocksOfFirstPart(transfer.request.key);
    if (transfer.toldFirst || !transfer.urgent() || transfer.nextBlock < first || transfer.nextBlock >= blocks)
        return;
    transfer.toldFirst = true;
    TransferDone part = transfer.done(trace::TransferOutcome::Completed);
    part.firstPart = true;
    tell(part);
}

void ThreadMover::tell(const TransferDone& done) {
    m_done.push_back(done);
    m_told.fetch_add(1, std::memory_order_release);
    m_ended.notify_one();
}

void ThreadMover::closeAborted() {
    for (const Transfer& transfer : m_aborted)
        finish(transfer, trace::TransferOutcome::Cancelled);
    m_aborted.clear();
}

} // namespace moescope::expert

#include "engine/backend/cpu/thread_pool.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace moescope::backend {
namespace {

// About 60 microseconds: longer than the serial parts between two parallel ones, shorter than anyone would notice.
constexpr int kSpins = 2000;

void pause() {
#if defined(__x86_64__)
    _mm_pause();
#else
    std::this_thread::yield();
#endif
}

} // namespace

ThreadPool::ThreadPool(int threads) : m_threads(threads < 1 ? 1 : threads), m_claims(static_cast<std::size_t>(m_threads)) {
    for (int share = 1; share < m_threads; ++share)
        m_workers.emplace_back([this, share] { work(share); });
}

ThreadPool::~ThreadPool() {
    m_stop.store(true, std::memory_order_relaxed);
    m_round.fetch_add(1, std::memory_order_release);
    m_round.notify_all();
    for (std::thread& worker : m_workers)
        worker.join();
}

void ThreadPool::dispatch(Entry entry, void* context) {
    m_entry = entry;
    m_context = context;
    m_pending.store(m_threads - 1, std::memory_order_relaxed);
    const std::uint32_t round = m_round.fetch_add(1, std::memory_order_release) + 1;
    m_round.notify_all();
    entry(context, 0, m_threads);
    for (int share = 1; share < m_threads; ++share) {
        if (claim(share, round)) {
            entry(context, share, m_threads);
            m_pending.fetch_sub(1, std::memory_order_relaxed);
        }
    }
    for (int spins = 0; m_pending.load(std::memory_order_acquire) != 0; ++spins) {
        if (spins < kSpins)
            pause();
        else
            std::this_thread::yield(); // more threads than cores: let the worker have this one
    }
}

std::uint32_t ThreadPool::awaitRound(std::uint32_t seen) {
    for (int spins = 0; spins < kSpins; ++spins) {
        const std::uint32_t round = m_round.load(std::memory_order_acquire);
        if (round != seen)
            return round;
        pause();
    }
    m_round.wait(seen, std::memory_order_acquire);
    return m_round.load(std::memory_order_acquire);
}

bool ThreadPool::claim(int share, std::uint32_t round) {
    // Every share of every round is claimed before the next round begins, so a worker that comes late finds it taken.
    std::uint32_t before = round - 1;
    return m_claims[static_cast<std::size_t>(share)].round.compare_exchange_strong(before, round, std::memory_order_acq_rel);
}

void ThreadPool::work(int share) {
    std::uint32_t seen = 0;
    while (true) {
        seen = awaitRound(seen);
        if (m_stop.load(std::memory_order_relaxed))
            return;
        if (!claim(share, seen))
            continue;
        m_entry(m_context, share, m_threads);
        m_pending.fetch_sub(1, std::memory_order_release);
    }
}

} // namespace moescope::backend

#pragma once
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace moescope::backend {

/// Runs one function on all threads at once and waits for them: the calling thread is thread 0. With one thread there is no
/// synchronisation at all. Workers spin briefly between calls, because a token makes dozens of them, then sleep.
/// Owned by the backend; run() on the engine's thread only. Jobs must not throw.
class ThreadPool {
public:
    explicit ThreadPool(int threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int threads() const { return m_threads; }

    /// job(thread, threads) on every thread.
    template <class Job>
    void run(Job&& job) {
        if (m_threads == 1) {
            job(0, 1);
            return;
        }
        dispatch([](void* context, int thread,
                    int threads) { (*static_cast<std::remove_reference_t<Job>*>(context))(thread, threads); },
                 const_cast<void*>(static_cast<const void*>(&job)));
    }

    /// job(item) for 0..count-1, a fixed share per thread; on the calling thread alone if there is only one item.
    template <class Job>
    void forEach(int count, Job&& job) {
        if (count <= 1 || m_threads == 1) {
            for (int item = 0; item < count; ++item)
                job(item);
            return;
        }
        run([&](int thread, int threads) {
            for (int item = shareBegin(count, thread, threads); item < shareBegin(count, thread + 1, threads); ++item)
                job(item);
        });
    }

    /// First of `count` items that belongs to this thread.
    static int shareBegin(int count, int thread, int threads) {
        return static_cast<int>(static_cast<std::int64_t>(count) * thread / threads);
    }

private:
    using Entry = void (*)(void* context, int thread, int threads);
    void dispatch(Entry entry, void* context);
    void work(int thread);
    std::uint32_t awaitRound(std::uint32_t seen);

    int m_threads;
    Entry m_entry = nullptr;
    void* m_context = nullptr;
    alignas(64) std::atomic<std::uint32_t> m_round{0};
    alignas(64) std::atomic<int> m_pending{0};
    alignas(64) std::atomic<bool> m_stop{false};
    std::vector<std::thread> m_workers;
};

} // namespace moescope::backend

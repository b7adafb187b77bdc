#pragma once
#include <atomic>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace moescope::backend {

/// Cuts a job into one share per thread and waits for all of them: the calling thread takes share 0. With one thread there is
/// no synchronisation at all. Workers spin briefly between jobs, because a token makes dozens of them, then sleep. A share
/// whose worker has not come by the time the caller is free (asleep, or its core taken) is done by the caller.
/// Owned by the backend; run() on the engine's thread only. Jobs must not throw.
class ThreadPool {
public:
    explicit ThreadPool(int threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int threads() const { return m_threads; }

    /// job(share, shares) for every share.
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
        run([&](int share, int shares) {
            for (int item = shareBegin(count, share, shares); item < shareBegin(count, share + 1, shares); ++item)
                job(item);
        });
    }

    /// First of `count` items that belongs to this share.
    static int shareBegin(int count, int share, int shares) {
        return static_cast<int>(static_cast<std::int64_t>(count) * share / shares);
    }

private:
    using Entry = void (*)(void* context, int share, int shares);
    /// Number of the last round in which somebody took this share.
    struct alignas(64) Claim {
        std::atomic<std::uint32_t> round{0};
    };
    void dispatch(Entry entry, void* context);
    bool claim(int share, std::uint32_t round);
    void work(int share);
    std::uint32_t awaitRound(std::uint32_t seen);

    int m_threads;
    Entry m_entry = nullptr;
    void* m_context = nullptr;
    alignas(64) std::atomic<std::uint32_t> m_round{0};
    alignas(64) std::atomic<int> m_pending{0};
    alignas(64) std::atomic<bool> m_stop{false};
    std::vector<Claim> m_claims;
    std::vector<std::thread> m_workers;
};

} // namespace moescope::backend

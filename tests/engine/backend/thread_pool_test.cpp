#include "engine/backend/cpu/thread_pool.h"

#include <gtest/gtest.h>

namespace moescope::backend {
namespace {

TEST(ThreadPoolTest, EveryShareRunsExactlyOncePerRoundWithMoreThreadsThanCores) {
    for (const int threads : {1, 2, 3, 7}) {
        ThreadPool pool(threads);
        std::vector<int> counts(static_cast<std::size_t>(threads), 0);
        for (int round = 0; round < 3000; ++round) {
            pool.run([&](int share, int shares) {
                EXPECT_EQ(shares, threads);
                counts[static_cast<std::size_t>(share)] += 1;
            });
            // Plain integers: run() must have made every write visible.
            for (const int count : counts)
                ASSERT_EQ(count, round + 1);
        }
    }
}

TEST(ThreadPoolTest, WakesWorkersThatWentToSleep) {
    ThreadPool pool(2);
    for (int round = 0; round < 20; ++round) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        int sum = 0;
        std::atomic<int> shares{0};
        pool.run([&](int, int) { shares.fetch_add(1); });
        sum += shares.load();
        EXPECT_EQ(sum, 2);
    }
}

TEST(ThreadPoolTest, ForEachVisitsEveryItemOnce) {
    ThreadPool pool(3);
    for (const int count : {0, 1, 2, 3, 64, 100}) {
        std::vector<int> visits(static_cast<std::size_t>(count), 0);
        pool.forEach(count, [&](int item) { visits[static_cast<std::size_t>(item)] += 1; });
        EXPECT_EQ(visits, std::vector<int>(static_cast<std::size_t>(count), 1));
    }
}

TEST(ThreadPoolTest, SharesCoverTheItemsWithoutOverlap) {
    for (const int count : {0, 1, 5, 32, 1000003}) {
        EXPECT_EQ(ThreadPool::shareBegin(count, 0, 7), 0);
        EXPECT_EQ(ThreadPool::shareBegin(count, 7, 7), count);
        for (int share = 0; share < 7; ++share)
            EXPECT_LE(ThreadPool::shareBegin(count, share, 7), ThreadPool::shareBegin(count, share + 1, 7));
    }
}

} // namespace
} // namespace moescope::backend

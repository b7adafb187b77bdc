#include "engine/backend/cuda/memory_plan.h"

#include <gtest/gtest.h>

namespace moescope::backend::cuda {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20U;
constexpr std::int64_t kGiB = kMiB << 10U;

TEST(MemoryPlan, KeepsAReserveFree) {
    EXPECT_EQ((MemoryPlan{70 * kGiB, 80 * kGiB}).usableBytes(), 70 * kGiB - 80 * kGiB / 32);
    EXPECT_EQ((MemoryPlan{4 * kGiB, 4 * kGiB}).usableBytes(), 4 * kGiB - 256 * kMiB) << "at least 256 MiB";
    EXPECT_EQ((MemoryPlan{100 * kMiB, 4 * kGiB}).usableBytes(), 0);
}

TEST(MemoryPlan, SlotsAreWhatFitsBesideOthersNeverAll) {
    const MemoryPlan plan{2 * kGiB, 4 * kGiB};
    const auto slot = static_cast<std::size_t>(99 * kMiB);
    EXPECT_EQ(plan.mostSlots(0, slot, slot, 256), (2 * kGiB - 256 * kMiB) / (99 * kMiB));
    EXPECT_EQ(plan.mostSlots(10 * 99 * kMiB, slot, slot, 256), 10 + (2 * kGiB - 256 * kMiB) / (99 * kMiB))
        << "it keeps its own";
    EXPECT_EQ(plan.mostSlots(0, slot, slot, 7), 7);
    EXPECT_EQ((MemoryPlan{0, 4 * kGiB}).mostSlots(3 * 99 * kMiB, slot, slot, 256), 3)
        << "nothing is free: it may stay as it is";
    EXPECT_EQ((MemoryPlan{0, 4 * kGiB}).mostSlots(0, slot, slot, 256), 0);
}

TEST(MemoryPlan, MemoryThatComesInStepsIsCountedInWholeOnes) {
    const MemoryPlan plan{256 * kMiB + 5 * kMiB, 4 * kGiB};
    EXPECT_EQ(plan.mostSlots(0, static_cast<std::size_t>(kMiB), static_cast<std::size_t>(2 * kMiB), 100), 4);
}

} // namespace
} // namespace moescope::backend::cuda

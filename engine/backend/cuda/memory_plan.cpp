#include "engine/backend/cuda/memory_plan.h"

#include <algorithm>

namespace moescope::backend::cuda {
namespace {

constexpr int kReserveShare = 32;
constexpr std::int64_t kLeastReserve = std::int64_t{256} << 20U;

} // namespace

std::int64_t MemoryPlan::usableBytes() const {
    return std::max<std::int64_t>(0, freeBytes - std::max(kLeastReserve, totalBytes / kReserveShare));
}

int MemoryPlan::mostSlots(std::int64_t heldBytes, std::size_t slotBytes, std::size_t stepBytes, int all) const {
    const auto step = static_cast<std::int64_t>(stepBytes);
    const std::int64_t room = heldBytes + usableBytes() / step * step;
    return static_cast<int>(std::min(room / static_cast<std::int64_t>(slotBytes), std::int64_t{all}));
}

} // namespace moescope::backend::cuda

#pragma once
#include <cstddef>
#include <cstdint>

namespace moescope::backend::cuda {

/// What the GPU's memory will hold, decided before anything is allocated: never more than is free now, less a reserve. Pure
/// arithmetic; the GPU tells the numbers (cudaMemGetInfo).
struct MemoryPlan {
    std::int64_t freeBytes = 0;
    std::int64_t totalBytes = 0;

    /// Free, less what stays free for the driver, the display and other programs: a 32nd of the whole, at least 256 MiB.
    std::int64_t usableBytes() const;
    /// How many slots there could be, if `heldBytes` are slots already and memory comes in steps.
    int mostSlots(std::int64_t heldBytes, std::size_t slotBytes, std::size_t stepBytes, int all) const;
};

} // namespace moescope::backend::cuda

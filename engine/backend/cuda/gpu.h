#pragma once
#include "engine/backend/cuda/memory_plan.h"

#include <cstdint>
#include <optional>
#include <string>

namespace moescope::backend::cuda {

/// The GPU that a run would use: CUDA's device 0 (CUDA_VISIBLE_DEVICES chooses another).
struct Gpu {
    std::string name;
    int multiprocessors = 0;
    std::int64_t totalBytes = 0;
};

/// Why no GPU can be used, in one sentence that names what is missing; nothing if one can. Cheap after the first call.
std::optional<std::string> gpuProblem();
/// Throws std::runtime_error with gpuProblem()'s sentence if there is one. Makes the GPU the calling thread's.
Gpu openGpu();
/// What the device's memory allows now.
MemoryPlan memoryNow();

} // namespace moescope::backend::cuda

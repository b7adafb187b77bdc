#pragma once
#include "engine/backend/backend.h"
#include "engine/backend/host_memory.h"
#include "engine/model/model_config.h"

#include <memory>
#include <optional>
#include <string>

namespace moescope::backend {

struct CudaOptions {
    HostMemory hostMemory = HostMemory::Pinned;
    int threads = 1; ///< that pack experts at load
};

/// Why the CUDA backend cannot run here, in one sentence; nothing if it can.
std::optional<std::string> cudaProblem();

/// Architecture `llama` with experts on an NVIDIA GPU; weights in F32, F16, BF16, Q8_0 or Q4_0, KV cache in float32. The file
/// must outlive the backend. Throws std::runtime_error with one sentence if there is no GPU to use, if a size of the model
/// does not fit the kernels, or if dense weights, KV cache and scratch do not fit the GPU's free memory.
std::unique_ptr<Backend> makeCudaBackend(const model::GgufFile& file, const model::ModelConfig& config,
                                         const CudaOptions& options);

} // namespace moescope::backend

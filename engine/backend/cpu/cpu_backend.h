#pragma once
#include "engine/backend/backend.h"
#include "engine/model/model_config.h"

#include <memory>
#include <string_view>

namespace moescope::backend {

struct CpuOptions {
    int threads = 1;
    std::string_view int8Kernels; ///< a name of int8Variants(); empty = the fastest that this machine runs
};

/// Architecture `llama` with experts on the processor; weights in F32, F16, BF16, Q8_0 or Q4_0, KV cache in float32. The file
/// must outlive the backend: experts are read from its mapping whenever they are loaded, embeddings whenever they are needed.
/// Throws std::runtime_error with one sentence if a size of the model does not fit the kernels.
std::unique_ptr<Backend> makeCpuBackend(const model::GgufFile& file, const model::ModelConfig& config,
                                        const CpuOptions& options);

} // namespace moescope::backend

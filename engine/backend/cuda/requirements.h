#pragma once
#include "engine/backend/cuda/gpu.h"
#include "engine/model/gguf_file.h"
#include "engine/model/model_config.h"

namespace moescope::backend::cuda {

/// The configuration, if the kernels can do its sizes. Throws std::runtime_error with one sentence that names file and size.
const model::ModelConfig& checked(const model::GgufFile& file, const model::ModelConfig& config);

/// Dense weights, KV cache and scratch as they will be, before anything is allocated. Throws std::runtime_error with one
/// sentence if the GPU has no room for them.
void checkFits(const model::GgufFile& file, const model::ModelConfig& config, const Gpu& gpu);

} // namespace moescope::backend::cuda

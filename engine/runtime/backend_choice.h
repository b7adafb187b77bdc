#pragma once
#include "engine/backend/backend.h"
#include "engine/model/model_config.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::runtime {

/// Where to compute and where experts wait, as flags name them.
struct BackendWish {
    std::string backend = "cpu";       ///< cpu, cuda, or auto: the GPU if there is one to use
    std::string hostMemory = "pinned"; ///< for cuda: pinned, mapped or pageable
    int threads = 1;
};
std::vector<std::string> backendNames();
std::vector<std::string> hostMemoryNames();

/// Why the GPU cannot be used, in one sentence that names what is missing; empty if it can.
std::string missingForCuda();

/// The file must outlive the backend. Throws std::invalid_argument for an unknown name and std::runtime_error if the wish
/// cannot be granted, with one sentence.
std::unique_ptr<backend::Backend> makeBackend(const model::GgufFile& file, const model::ModelConfig& config,
                                              const BackendWish& wish);

} // namespace moescope::runtime

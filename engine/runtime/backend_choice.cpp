#include "engine/runtime/backend_choice.h"

#include "engine/backend/cpu/cpu_backend.h"
#if defined(MOESCOPE_WITH_CUDA)
#include "engine/backend/cuda/cuda_backend.h"
#endif

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <stdexcept>

namespace moescope::runtime {
namespace {

void require(std::string_view what, const std::string& name, const std::vector<std::string>& known) {
    if (std::find(known.begin(), known.end(), name) == known.end())
        throw std::invalid_argument(fmt::format("There is no {} '{}'; known are {}.", what, name, fmt::join(known, ", ")));
}

#if defined(MOESCOPE_WITH_CUDA)
std::unique_ptr<backend::Backend> makeCuda(const model::GgufFile& file, const model::ModelConfig& config,
                                           const BackendWish& wish) {
    const auto memory = wish.hostMemory == "mapped"     ? backend::HostMemory::Mapped
                        : wish.hostMemory == "pageable" ? backend::HostMemory::Pageable
                                                        : backend::HostMemory::Pinned;
    return backend::makeCudaBackend(file, config, {.hostMemory = memory, .threads = wish.threads});
}
#else
std::unique_ptr<backend::Backend> makeCuda(const model::GgufFile&, const model::ModelConfig&, const BackendWish&) {
    throw std::runtime_error(missingForCuda());
}
#endif

} // namespace

std::vector<std::string> backendNames() {
    return {"auto", "cpu", "cuda"};
}

std::vector<std::string> hostMemoryNames() {
    return {"pinned", "mapped", "pageable"};
}

std::string missingForCuda() {
#if defined(MOESCOPE_WITH_CUDA)
    return backend::cudaProblem().value_or("");
#else
    return "This program was built without CUDA.";
#endif
}

std::unique_ptr<backend::Backend> makeBackend(const model::GgufFile& file, const model::ModelConfig& config,
                                              const BackendWish& wish) {
    require("backend", wish.backend, backendNames());
    require("kind of host memory", wish.hostMemory, hostMemoryNames());
    if (wish.backend == "cuda" || (wish.backend == "auto" && missingForCuda().empty()))
        return makeCuda(file, config, wish);
    return backend::makeCpuBackend(file, config, {.threads = wish.threads, .int8Kernels = {}});
}

} // namespace moescope::runtime

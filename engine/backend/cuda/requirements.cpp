#include "engine/backend/cuda/requirements.h"

#include "engine/backend/cuda/kernels.h"
#include "engine/model/model_error.h"

#include <algorithm>
#include <fmt/core.h>
#include <iterator>
#include <stdexcept>

namespace moescope::backend::cuda {
namespace {

using model::TensorType;

constexpr TensorType kComputed[] = {TensorType::F32, TensorType::F16, TensorType::BF16, TensorType::Q8_0, TensorType::Q4_0};

/// Norms and embedding rows are decoded by the processor.
bool isMultiplied(const model::GgufFile& file, const model::TensorView& tensor) {
    return tensor.dims > 1 && (tensor.name != "token_embd.weight" || file.find("output.weight") == nullptr);
}

void refuseOtherTypes(const model::GgufFile& file) {
    for (const model::TensorView& tensor : file.tensors())
        if (isMultiplied(file, tensor) &&
            std::find(std::begin(kComputed), std::end(kComputed), tensor.type) == std::end(kComputed))
            throw std::runtime_error(fmt::format("{}: tensor {} is stored as {}, and the CUDA backend computes with {} only; "
                                                 "--backend cpu reads every format.",
                                                 file.name(), model::quotedName(tensor.name),
                                                 model::typeTraits(tensor.type).name, model::namesOf(kComputed)));
}

} // namespace

const model::ModelConfig& checked(const model::GgufFile& file, const model::ModelConfig& config) {
    const auto require = [&](bool fits, const char* what, int value, int unit) {
        if (!fits)
            throw std::runtime_error(
                fmt::format("{}: {} is {}, and the CUDA backend needs a multiple of {}.", file.name(), what, value, unit));
    };
    refuseOtherTypes(file);
    require(config.hidden % kBlockColumns == 0, "the embedding length", config.hidden, kBlockColumns);
    require(config.expertWidth % kBlockColumns == 0, "the experts' feed-forward length", config.expertWidth, kBlockColumns);
    require(config.headSize % 4 == 0, "the head size", config.headSize, 4);
    require(config.heads * config.headSize % kBlockColumns == 0, "the width of all heads", config.heads * config.headSize,
            kBlockColumns);
    if (config.topK > kFewWeights)
        throw std::runtime_error(fmt::format("{}: a token uses {} experts, and the CUDA backend takes {} at most.", file.name(),
                                             config.topK, kFewWeights));
    return config;
}

void checkFits(const model::GgufFile& file, const model::ModelConfig& c, const Gpu& gpu) {
    std::int64_t needed = 0;
    for (const model::TensorView& tensor : file.tensors())
        if (tensor.name.find("_exps") == std::string_view::npos)
            needed += tensor.bytes;
    needed += std::int64_t{c.layers} * c.kvHeads * c.contextTokens * c.headSize * 2 * static_cast<std::int64_t>(sizeof(float));
    if (const std::int64_t usable = memoryNow().usableBytes(); needed > usable)
        throw std::runtime_error(
            fmt::format("{}: weights outside the experts and the KV cache need {:.1f} GB, and {} has {:.1f} "
                        "GB of {:.1f} GB to spare; --backend cpu needs no GPU.",
                        file.name(), 1e-9 * static_cast<double>(needed), gpu.name, 1e-9 * static_cast<double>(usable),
                        1e-9 * static_cast<double>(gpu.totalBytes)));
}

} // namespace moescope::backend::cuda

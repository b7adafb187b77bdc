#include "engine/model/model_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace moescope::model {
namespace {

std::string lowered(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return lower;
}

std::string displayName(const GgufFile& file) {
    const std::string_view name = file.text("general.name").value_or("");
    // llama.cpp's converter writes "Model" when the folder's name told it nothing.
    if (name.empty() || name == "Model")
        return std::filesystem::path(file.name()).stem().string();
    return std::string(name);
}

std::int64_t elements(const TensorView& tensor) {
    return tensor.ne[0] * tensor.ne[1] * tensor.ne[2] * tensor.ne[3];
}

} // namespace

ModelFacts readModelFacts(const GgufFile& file, const ModelConfig& config) {
    ModelFacts facts;
    facts.name = displayName(file);
    facts.path = file.name();
    facts.architecture = config.architecture;
    facts.hash = file.hash();
    facts.licence = file.text("general.license").value_or("");
    facts.fileBytes = file.fileBytes();
    facts.layers = config.layers;
    facts.experts = config.experts;
    facts.topK = config.topK;
    facts.hidden = config.hidden;
    facts.vocabulary = config.vocabulary;
    facts.contextTokens = config.contextTokens;
    facts.synthetic = file.boolean("moescope.synthetic").value_or(false) ||
                      lowered(file.text("general.name").value_or("")).find("synthetic") != std::string::npos;

    const std::int64_t width = config.expertWidth;
    const std::int64_t hidden = config.hidden;
    for (const TensorView& tensor : file.tensors())
        facts.parameters += elements(tensor);
    const std::int64_t idle = 3 * width * hidden * (config.experts - config.topK) * config.layers;
    facts.activeParameters = facts.parameters - idle;
    for (int layer = 0; layer < config.layers; ++layer) {
        const auto& gate = file.require(fmt::format("blk.{}.ffn_gate_exps.weight", layer), {hidden, width, config.experts});
        const auto& up = file.require(fmt::format("blk.{}.ffn_up_exps.weight", layer), {hidden, width, config.experts});
        const auto& down = file.require(fmt::format("blk.{}.ffn_down_exps.weight", layer), {width, hidden, config.experts});
        facts.expertBytes = std::max(facts.expertBytes, (gate.bytes + up.bytes + down.bytes) / config.experts);
        if (layer == 0)
            facts.quantisation = typeTraits(gate.type).name;
    }
    return facts;
}

} // namespace moescope::model

#include "engine/model/dense_tensors.h"

#include <fmt/core.h>

namespace moescope::model {

DenseTensors denseTensors(const GgufFile& file, const ModelConfig& config) {
    const std::int64_t hidden = config.hidden;
    const std::int64_t queries = std::int64_t{config.heads} * config.headSize;
    const std::int64_t keys = std::int64_t{config.kvHeads} * config.headSize;
    DenseTensors tensors{};
    for (int index = 0; index < config.layers; ++index) {
        const auto part = [&](const char* name, std::initializer_list<std::int64_t> shape) {
            return &file.require(fmt::format("blk.{}.{}.weight", index, name), shape);
        };
        tensors.layers.push_back({.attentionNorm = part("attn_norm", {hidden}),
                                  .expertNorm = part("ffn_norm", {hidden}),
                                  .query = part("attn_q", {hidden, queries}),
                                  .key = part("attn_k", {hidden, keys}),
                                  .value = part("attn_v", {hidden, keys}),
                                  .output = part("attn_output", {queries, hidden}),
                                  .router = part("ffn_gate_inp", {hidden, config.experts})});
    }
    tensors.finalNorm = &file.require("output_norm.weight", {hidden});
    const bool tied = file.find("output.weight") == nullptr;
    tensors.head = &file.require(tied ? "token_embd.weight" : "output.weight", {hidden, config.vocabulary});
    return tensors;
}

} // namespace moescope::model

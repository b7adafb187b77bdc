#pragma once
#include "tests/engine/backend/random_weights.h"
#include "tests/support/tiny_model.h"

namespace moescope::tests {

/// A made-up Mixtral whose matrices have the given type; the router and the norms are F32, as converters leave them. Random
/// weights are large enough for every expert choice to be clear.
inline GgufWriter typedModel(model::TensorType type, const TinyModelShape& shape, bool tied = false) {
    GgufWriter writer;
    addTinyTokenizer(addTinyMetadata(writer, shape));
    std::mt19937_64 random(shape.seed);
    const auto add = [&](const std::string& name, model::TensorType as, std::vector<std::int64_t> ne, float reach,
                         float centre) {
        std::int64_t elements = 1;
        for (const std::int64_t n : ne)
            elements *= n;
        auto values = randomFloats(static_cast<std::size_t>(elements), reach, random);
        for (float& value : values)
            value += centre;
        writer.addTensor(name, as, std::move(ne), stored(as, values));
    };
    const std::int64_t hidden = shape.hidden;
    const std::int64_t keys = hidden / shape.heads * shape.kvHeads;
    const std::int64_t width = shape.expertWidth;
    const auto vocabulary = static_cast<std::int64_t>(tinyVocabulary().size());
    const float reach = 2.0F / std::sqrt(static_cast<float>(hidden));
    constexpr auto kPlain = model::TensorType::F32;
    add("token_embd.weight", type, {hidden, vocabulary}, 1.0F, 0);
    add("output_norm.weight", kPlain, {hidden}, 0.2F, 1);
    if (!tied)
        add("output.weight", type, {hidden, vocabulary}, reach, 0);
    for (int layer = 0; layer < shape.layers; ++layer) {
        const std::string block = "blk." + std::to_string(layer) + ".";
        add(block + "attn_norm.weight", kPlain, {hidden}, 0.2F, 1);
        add(block + "attn_q.weight", type, {hidden, hidden}, reach, 0);
        add(block + "attn_k.weight", type, {hidden, keys}, reach, 0);
        add(block + "attn_v.weight", type, {hidden, keys}, reach, 0);
        add(block + "attn_output.weight", type, {hidden, hidden}, reach, 0);
        add(block + "ffn_norm.weight", kPlain, {hidden}, 0.2F, 1);
        add(block + "ffn_gate_inp.weight", kPlain, {hidden, shape.experts}, 2 * reach, 0);
        add(block + "ffn_gate_exps.weight", type, {hidden, width, shape.experts}, reach, 0);
        add(block + "ffn_up_exps.weight", type, {hidden, width, shape.experts}, reach, 0);
        add(block + "ffn_down_exps.weight", type, {width, hidden, shape.experts}, reach, 0);
    }
    return writer;
}

} // namespace moescope::tests

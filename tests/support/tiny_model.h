#pragma once
#include "engine/trace/routing_payload.h"
#include "tests/support/gguf_writer.h"

#include <random>
#include <string>
#include <vector>

namespace moescope::tests {

/// Sizes of a made-up Mixtral that runs in microseconds.
struct TinyModelShape {
    int layers = 2;
    int hidden = 32;
    int heads = 4;
    int kvHeads = 2;
    int experts = 4;
    int topK = 2;
    int expertWidth = 64;
    int context = 64;
    std::uint64_t seed = 1;
};

/// Vocabulary of every tiny model: <unk>, <s>, </s>, 256 byte tokens, then letters and a few merges of "hello world".
inline std::vector<std::string> tinyVocabulary() {
    std::vector<std::string> tokens{"<unk>", "<s>", "</s>"};
    constexpr std::string_view kHex = "0123456789ABCDEF";
    for (std::size_t b = 0; b < 256; ++b)
        tokens.push_back(std::string("<0x") + kHex[b >> 4] + kHex[b & 15] + ">");
    for (const char* text : {"\u2581", "h",           "e",  "l",        "o",  "w",          "r",  "d",           "[",
                             "]",      "/",           "I",  "N",        "S",  "T",          "he", "ll",          "hell",
                             "hello",  "\u2581hello", "wo", "\u2581wo", "rl", "\u2581worl", "ld", "\u2581world", "\u2581["})
        tokens.emplace_back(text);
    return tokens;
}

inline GgufWriter& addTinyTokenizer(GgufWriter& writer) {
    const auto tokens = tinyVocabulary();
    std::vector<float> scores(tokens.size(), 0.0F);
    std::vector<std::int32_t> types(tokens.size(), 6);
    types[0] = 2;
    types[1] = types[2] = 3;
    for (std::size_t i = 259; i < tokens.size(); ++i) {
        scores[i] = 259.0F - static_cast<float>(i);
        types[i] = 1;
    }
    return writer.set("tokenizer.ggml.model", "llama")
        .set("tokenizer.ggml.tokens", tokens)
        .set("tokenizer.ggml.scores", scores)
        .set("tokenizer.ggml.token_type", types)
        .set("tokenizer.ggml.bos_token_id", std::uint32_t{1})
        .set("tokenizer.ggml.eos_token_id", std::uint32_t{2});
}

/// Metadata of a `llama` model with experts, without tokenizer and tensors.
inline GgufWriter& addTinyMetadata(GgufWriter& writer, const TinyModelShape& shape) {
    const auto u32 = [](int value) { return static_cast<std::uint32_t>(value); };
    return writer.set("general.architecture", "llama")
        .set("general.name", "Tiny synthetic MoE")
        .set("general.license", "apache-2.0")
        .set("llama.block_count", u32(shape.layers))
        .set("llama.context_length", u32(shape.context))
        .set("llama.embedding_length", u32(shape.hidden))
        .set("llama.feed_forward_length", u32(shape.expertWidth))
        .set("llama.attention.head_count", u32(shape.heads))
        .set("llama.attention.head_count_kv", u32(shape.kvHeads))
        .set("llama.attention.layer_norm_rms_epsilon", 1e-5F)
        .set("llama.rope.freq_base", 10000.0F)
        .set("llama.expert_count", u32(shape.experts))
        .set("llama.expert_used_count", u32(shape.topK))
        .set("llama.vocab_size", u32(static_cast<int>(tinyVocabulary().size())));
}

/// Q8_0 blocks of small random weights; `elements` is a multiple of 32.
inline std::vector<std::byte> randomQ80(std::size_t elements, std::mt19937_64& random) {
    std::vector<std::byte> bytes;
    for (std::size_t block = 0; block < elements / 32; ++block) {
        const std::uint16_t scale = trace::toHalf(0.004F + 0.0001F * static_cast<float>(random() % 16));
        bytes.push_back(static_cast<std::byte>(scale & 0xFF));
        bytes.push_back(static_cast<std::byte>(scale >> 8));
        for (int i = 0; i < 32; ++i)
            bytes.push_back(static_cast<std::byte>(random() % 255 - 127));
    }
    return bytes;
}

/// A complete model with random Q8_0 weights: metadata, tokenizer and all tensors. Widths must be multiples of 32.
inline GgufWriter tinyModel(const TinyModelShape& shape = {}) {
    GgufWriter writer;
    addTinyTokenizer(addTinyMetadata(writer, shape));
    std::mt19937_64 random(shape.seed);
    const std::int64_t hidden = shape.hidden;
    const std::int64_t width = shape.expertWidth;
    const std::int64_t headSize = hidden / shape.heads;
    const auto vocabulary = static_cast<std::int64_t>(tinyVocabulary().size());
    const auto quantised = [&](const std::string& name, std::vector<std::int64_t> ne) {
        std::int64_t elements = 1;
        for (const std::int64_t n : ne)
            elements *= n;
        writer.addTensor(name, model::TensorType::Q8_0, std::move(ne), randomQ80(static_cast<std::size_t>(elements), random));
    };
    const auto plain = [&](const std::string& name, std::vector<std::int64_t> ne, bool norm) {
        std::int64_t elements = 1;
        for (const std::int64_t n : ne)
            elements *= n;
        std::vector<float> values(static_cast<std::size_t>(elements), 1.0F);
        for (float& value : values)
            if (!norm)
                value = (static_cast<float>(random() % 2001) - 1000.0F) / 1000.0F;
        writer.addTensor(name, std::move(ne), values);
    };
    quantised("token_embd.weight", {hidden, vocabulary});
    plain("output_norm.weight", {hidden}, true);
    quantised("output.weight", {hidden, vocabulary});
    for (int layer = 0; layer < shape.layers; ++layer) {
        const std::string block = "blk." + std::to_string(layer) + ".";
        plain(block + "attn_norm.weight", {hidden}, true);
        quantised(block + "attn_q.weight", {hidden, hidden});
        quantised(block + "attn_k.weight", {hidden, shape.kvHeads * headSize});
        quantised(block + "attn_v.weight", {hidden, shape.kvHeads * headSize});
        quantised(block + "attn_output.weight", {hidden, hidden});
        plain(block + "ffn_norm.weight", {hidden}, true);
        plain(block + "ffn_gate_inp.weight", {hidden, shape.experts}, false);
        quantised(block + "ffn_gate_exps.weight", {hidden, width, shape.experts});
        quantised(block + "ffn_up_exps.weight", {hidden, width, shape.experts});
        quantised(block + "ffn_down_exps.weight", {width, hidden, shape.experts});
    }
    return writer;
}

} // namespace moescope::tests

#pragma once
#include "tests/support/tiny_bpe.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tokenizer_exercise.h"

#include <utility>

namespace moescope::tests {

/// Sound inputs of exerciseTokenizer(), by name: a small vocabulary for every way of cutting words, and one of SentencePiece.
inline std::vector<std::pair<std::string, std::string>> tokenizerSeeds() {
    std::vector<std::pair<std::string, std::string>> seeds;
    const auto put = [&](const std::string& name, const GgufWriter& writer, std::string_view text) {
        const auto bytes = writer.bytes();
        seeds.emplace_back(name, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
        seeds.back().second.append(kTextMark).append(text);
    };
    TinyBpe tiny("the fox and the other fox", 6);
    tiny.add("<|im_end|>", 3);
    tiny.add("<|channel|>", 3);
    tiny.add("<|return|>", 3);
    tiny.add("<think>", 4);
    for (const char* pre : {"gpt-2", "llama-bpe", "qwen2", "qwen35", "gpt-4o", "tekken", "deepseek-llm", "deepseek-v3"})
        put(pre, tiny.writer(pre).set("tokenizer.chat_template", "<|im_start|>"),
            "the fox's 12345 \u4F60\u597D,\n\n  <think>I'LL</think> \u00C4x <|im_end|>");
    GgufWriter pieces;
    addTinyTokenizer(pieces);
    put("spm", pieces.set("tokenizer.chat_template", "[INST] <<SYS>>"), "hello world</s> \xFF");
    return seeds;
}

} // namespace moescope::tests

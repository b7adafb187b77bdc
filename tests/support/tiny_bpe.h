#pragma once
#include "engine/model/byte_alphabet.h"
#include "tests/support/gguf_writer.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace moescope::tests {

/// A small byte-level vocabulary: 256 bytes, then what `merges` rounds of joining the most frequent pair of the text make, then
/// special tokens.
struct TinyBpe {
    std::vector<std::string> tokens; ///< in the byte alphabet
    std::vector<std::string> merges;
    std::vector<std::int32_t> types;

    explicit TinyBpe(const std::string& text, int rounds = 60) {
        for (int byte = 0; byte < 256; ++byte)
            add(model::inByteAlphabet(std::string(1, static_cast<char>(byte))), 1);
        std::vector<std::string> symbols;
        for (const char c : text)
            symbols.push_back(model::inByteAlphabet(std::string(1, c)));
        for (int round = 0; round < rounds && symbols.size() > 1; ++round)
            join(symbols);
    }
    std::int32_t add(const std::string& token, std::int32_t type) {
        tokens.push_back(token);
        types.push_back(type);
        return static_cast<std::int32_t>(tokens.size()) - 1;
    }
    GgufWriter writer(const std::string& pre) const {
        GgufWriter writer;
        writer.set("tokenizer.ggml.model", "gpt2")
            .set("tokenizer.ggml.pre", pre)
            .set("tokenizer.ggml.tokens", tokens)
            .set("tokenizer.ggml.token_type", types)
            .set("tokenizer.ggml.merges", merges);
        return writer;
    }

private:
    void join(std::vector<std::string>& symbols) {
        std::map<std::pair<std::string, std::string>, int> counts;
        for (std::size_t i = 1; i < symbols.size(); ++i)
            ++counts[{symbols[i - 1], symbols[i]}];
        auto best = counts.begin();
        for (auto at = counts.begin(); at != counts.end(); ++at)
            if (at->second > best->second)
                best = at;
        const auto [left, right] = best->first;
        merges.push_back(left + " " + right);
        add(left + right, 1);
        std::vector<std::string> joined;
        for (std::size_t i = 0; i < symbols.size(); ++i) {
            const bool pair = i + 1 < symbols.size() && symbols[i] == left && symbols[i + 1] == right;
            joined.push_back(pair ? left + right : symbols[i]);
            i += pair ? 1 : 0;
        }
        symbols = std::move(joined);
    }
};

} // namespace moescope::tests

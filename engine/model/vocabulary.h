#pragma once
#include "engine/model/gguf_file.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace moescope::model {

/// Token kinds of `tokenizer.ggml.token_type`; the numbers are on disk.
enum class TokenKind : std::uint8_t { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };

/// The token table of a GGUF file, copied out of it and checked. Owned by a tokenizer; read-only after construction.
struct Vocabulary {
    std::vector<std::string> texts;
    std::vector<float> scores;
    std::vector<TokenKind> kinds;
    std::int32_t bos = -1; ///< -1: none, as for the two below
    std::int32_t eos = -1;
    std::int32_t unknown = -1;
    bool addBos = true;
    bool addSpacePrefix = true;
    std::vector<bool> endsGeneration;
    bool harmony = false; ///< the tokens of gpt-oss's response format are there

    std::int32_t size() const { return static_cast<std::int32_t>(texts.size()); }
    const std::string& text(std::int32_t token) const { return texts[static_cast<std::size_t>(token)]; }
    TokenKind kind(std::int32_t token) const { return kinds[static_cast<std::size_t>(token)]; }
    /// Control tokens whose text is part of an answer: the marks by which gpt-oss tells its channels apart.
    bool isVisible(std::int32_t token) const;
};

/// What holds where the file says nothing; as it is, what SentencePiece models mean by that.
struct VocabularyDefaults {
    std::int32_t bos = 1;
    std::int32_t eos = 2;
    std::int32_t unknown = 0;
    bool addBos = true;
    bool addSpacePrefix = true;
};

/// Reads the keys `tokenizer.ggml.*`. Throws std::runtime_error with one sentence.
Vocabulary readVocabulary(const GgufFile& file, const VocabularyDefaults& defaults);

/// Part of a text: either one special token, or text between special tokens (token -1).
struct TextFragment {
    std::int32_t token = -1;
    std::string_view text;
};

/// Cuts the special tokens out of texts, longest token first, as llama.cpp does. Owned by a tokenizer; read-only after
/// construction.
class SpecialTokens {
public:
    SpecialTokens() = default;
    explicit SpecialTokens(const Vocabulary& vocabulary);
    /// parseSpecial false: only user-defined tokens are cut out. Fragments of text are never empty.
    std::vector<TextFragment> split(std::string_view text, bool parseSpecial) const;

private:
    struct Special {
        std::int32_t token;
        bool userDefined;
        std::string text;
    };
    std::vector<std::size_t> occurringIn(std::string_view text, bool parseSpecial) const;

    std::vector<Special> m_specials;      ///< longest first
    std::vector<std::size_t> m_byText;    ///< places in m_specials, in the order of their texts
    std::array<bool, 256> m_firstBytes{}; ///< with which one of them begins
};

} // namespace moescope::model

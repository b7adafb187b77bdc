#pragma once
#include "engine/model/merge_table.h"
#include "engine/model/pre_tokenizer.h"
#include "engine/model/tokenizer.h"
#include "engine/model/vocabulary.h"

#include <array>
#include <span>

namespace moescope::model {

/// Byte-level BPE as GGUF files store it (`tokenizer.ggml.model` = gpt2): texts are cut into words, whose bytes are merged
/// pairwise, lowest rank first and leftmost on ties. Immutable after construction; any thread.
class BpeTokenizer final : public Tokenizer {
public:
    /// merges: "left right" by rank, in the byte alphabet. fileName is for the message of the std::runtime_error that a
    /// broken merge causes.
    BpeTokenizer(Vocabulary vocabulary, std::span<const std::string_view> merges, const PreTokenizerKind& kind,
                 std::string_view fileName);
    BpeTokenizer(const BpeTokenizer&) = delete;
    BpeTokenizer& operator=(const BpeTokenizer&) = delete;

    std::vector<std::int32_t> encode(std::string_view text, bool addBos, bool parseSpecial) const override;
    std::string_view piece(std::int32_t token) const override;
    int size() const override { return m_vocabulary.size(); }
    std::int32_t bos() const override { return m_vocabulary.bos; }
    std::int32_t eos() const override { return m_vocabulary.eos; }
    bool addBos() const override { return m_vocabulary.addBos; }
    bool endsGeneration(std::int32_t token) const override;

private:
    class Merger;
    using Symbol = MergeTable::Symbol;

    void readTokens();
    void readMerges(std::span<const std::string_view> merges, std::string_view fileName);
    Symbol intern(const std::string& bytes);
    void append(Symbol symbol, std::string_view bytes, std::vector<std::int32_t>& ids) const;

    Vocabulary m_vocabulary;
    SpecialTokens m_specials;
    PreTokenizer m_words;
    bool m_ignoreMerges;
    std::vector<std::string> m_pieces;
    std::unordered_map<std::string, Symbol> m_symbols; ///< by their bytes; those that are tokens have the token's number
    Symbol m_symbolCount = 0;
    std::array<Symbol, 256> m_byteSymbols{};
    MergeTable m_merges;
};

} // namespace moescope::model

#pragma once
#include "engine/model/tokenizer.h"
#include "engine/model/vocabulary.h"

#include <array>
#include <unordered_map>

namespace moescope::model {

/// SentencePiece as GGUF files of the Llama family store it: characters are merged pairwise, best score first and leftmost
/// on ties, and what the vocabulary lacks becomes byte tokens. Immutable after construction; any thread.
class SpmTokenizer final : public Tokenizer {
public:
    /// fileName is for the message of the std::runtime_error that a broken vocabulary causes.
    SpmTokenizer(Vocabulary vocabulary, std::string_view fileName);
    SpmTokenizer(const SpmTokenizer&) = delete;
    SpmTokenizer& operator=(const SpmTokenizer&) = delete;

    std::vector<std::int32_t> encode(std::string_view text, bool addBos, bool parseSpecial) const override;
    std::string_view piece(std::int32_t token) const override;
    int size() const override { return m_vocabulary.size(); }
    std::int32_t bos() const override { return m_vocabulary.bos; }
    std::int32_t eos() const override { return m_vocabulary.eos; }
    bool addBos() const override { return m_vocabulary.addBos; }
    bool endsGeneration(std::int32_t token) const override;

private:
    class Merger;
    void appendBytes(std::string_view bytes, std::vector<std::int32_t>& ids) const;

    Vocabulary m_vocabulary;
    SpecialTokens m_specials;
    std::vector<std::string> m_pieces;
    std::unordered_map<std::string_view, std::int32_t> m_ids; ///< of tokens that merging may produce; views into m_vocabulary
    std::array<std::int32_t, 256> m_byteTokens{};
};

} // namespace moescope::model

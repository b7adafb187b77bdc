#include "engine/model/bpe_tokenizer.h"

#include "engine/model/byte_alphabet.h"
#include "engine/model/model_error.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope::model {

/// Words while they are merged: a linked list of symbols and a heap of possible merges. Lives for one call of encode().
class BpeTokenizer::Merger {
public:
    explicit Merger(const BpeTokenizer& tokenizer) : m_tokenizer(tokenizer) {}

    void run(std::string_view word, std::vector<std::int32_t>& ids) {
        m_parts.clear();
        m_heap.clear();
        for (std::size_t i = 0; i < word.size(); ++i)
            m_parts.push_back({i, m_tokenizer.m_byteSymbols[static_cast<unsigned char>(word[i])], static_cast<int>(i) - 1,
                               i + 1 < word.size() ? static_cast<int>(i) + 1 : -1});
        for (int right = 1; right < static_cast<int>(m_parts.size()); ++right)
            consider(right - 1, right);
        while (!m_heap.empty()) {
            std::pop_heap(m_heap.begin(), m_heap.end());
            const Pair pair = m_heap.back();
            m_heap.pop_back();
            merge(pair);
        }
        for (int i = m_parts.empty() ? -1 : 0; i >= 0; i = part(i).next) {
            const std::size_t end = part(i).next < 0 ? word.size() : part(part(i).next).start;
            m_tokenizer.append(part(i).symbol, word.substr(part(i).start, end - part(i).start), ids);
        }
    }

private:
    static constexpr Symbol kMerged = ~Symbol{0};
    struct Part {
        std::size_t start;
        Symbol symbol; ///< kMerged: into its left neighbour
        int previous;
        int next;
    };
    struct Pair {
        MergeTable::Merge merge;
        int left;
        int right;
        Symbol leftSymbol; ///< when queued; a part has another one once it has grown
        Symbol rightSymbol;
        bool operator<(const Pair& other) const { // the heap gives its greatest first
            return merge.rank > other.merge.rank || (merge.rank == other.merge.rank && left > other.left);
        }
    };

    Part& part(int index) { return m_parts[static_cast<std::size_t>(index)]; }

    void consider(int left, int right) {
        if (left < 0 || right < 0)
            return;
        const MergeTable::Merge* const found = m_tokenizer.m_merges.find(part(left).symbol, part(right).symbol);
        if (!found)
            return;
        m_heap.push_back({*found, left, right, part(left).symbol, part(right).symbol});
        std::push_heap(m_heap.begin(), m_heap.end());
    }

    void merge(const Pair& pair) {
        Part& left = part(pair.left);
        Part& right = part(pair.right);
        if (left.symbol != pair.leftSymbol || right.symbol != pair.rightSymbol || left.next != pair.right)
            return;
        left.symbol = pair.merge.joined;
        right.symbol = kMerged;
        left.next = right.next;
        if (right.next >= 0)
            part(right.next).previous = pair.left;
        consider(left.previous, pair.left);
        consider(pair.left, left.next);
    }

    const BpeTokenizer& m_tokenizer;
    std::vector<Part> m_parts;
    std::vector<Pair> m_heap;
};

BpeTokenizer::BpeTokenizer(Vocabulary vocabulary, std::span<const std::string_view> merges, const PreTokenizerKind& kind,
                           std::string_view fileName)
    : m_vocabulary(std::move(vocabulary)), m_specials(m_vocabulary), m_words(kind), m_ignoreMerges(kind.ignoreMerges) {
    readTokens();
    readMerges(merges, fileName);
}

void BpeTokenizer::readTokens() {
    m_symbolCount = static_cast<Symbol>(m_vocabulary.size());
    m_pieces.resize(m_vocabulary.texts.size());
    m_symbols.reserve(m_vocabulary.texts.size());
    for (std::int32_t token = 0; token < m_vocabulary.size(); ++token) {
        const std::string& text = m_vocabulary.text(token);
        std::string& piece = m_pieces[static_cast<std::size_t>(token)];
        if (m_vocabulary.kind(token) == TokenKind::UserDefined || m_vocabulary.isVisible(token)) {
            piece = text;
        } else if (m_vocabulary.kind(token) == TokenKind::Normal) {
            const auto bytes = outOfByteAlphabet(text);
            piece = bytes.value_or(text);
            // What is not written in the alphabet cannot come of bytes.
            if (bytes && !bytes->empty())
                m_symbols.emplace(*bytes, static_cast<Symbol>(token));
        }
    }
    for (std::size_t byte = 0; byte < 256; ++byte)
        m_byteSymbols[byte] = intern(std::string(1, static_cast<char>(byte)));
}

BpeTokenizer::Symbol BpeTokenizer::intern(const std::string& bytes) {
    const auto [place, isNew] = m_symbols.emplace(bytes, m_symbolCount);
    if (isNew)
        ++m_symbolCount;
    return place->second;
}

void BpeTokenizer::readMerges(std::span<const std::string_view> merges, std::string_view fileName) {
    m_merges.reserve(merges.size());
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
        // The left part may begin with a space: files were made that way.
        const std::size_t gap = merges[rank].find(' ', 1);
        if (gap == std::string_view::npos)
            refuse(fileName,
                   fmt::format("merge {} of its tokenizer is written {}, not as two parts", rank, quotedName(merges[rank])));
        const auto left = outOfByteAlphabet(merges[rank].substr(0, gap));
        const auto right = outOfByteAlphabet(merges[rank].substr(gap + 1));
        if (left && right && !right->empty())
            m_merges.add(intern(*left), intern(*right), {static_cast<std::uint32_t>(rank), intern(*left + *right)});
    }
}

std::vector<std::int32_t> BpeTokenizer::encode(std::string_view text, bool addBos, bool parseSpecial) const {
    std::vector<std::int32_t> ids;
    if (addBos && m_vocabulary.bos >= 0)
        ids.push_back(m_vocabulary.bos);
    Merger merger(*this);
    std::string key;
    for (const TextFragment& fragment : m_specials.split(text, parseSpecial)) {
        if (fragment.token >= 0) {
            ids.push_back(fragment.token);
            continue;
        }
        for (const std::string_view word : m_words.split(fragment.text)) {
            const auto whole = m_ignoreMerges ? m_symbols.find(key.assign(word)) : m_symbols.end();
            if (whole != m_symbols.end() && whole->second < static_cast<Symbol>(size()))
                ids.push_back(static_cast<std::int32_t>(whole->second));
            else
                merger.run(word, ids);
        }
    }
    return ids;
}

void BpeTokenizer::append(Symbol symbol, std::string_view bytes, std::vector<std::int32_t>& ids) const {
    if (symbol < static_cast<Symbol>(size())) {
        ids.push_back(static_cast<std::int32_t>(symbol));
        return;
    }
    for (const char c : bytes) {
        const Symbol byte = m_byteSymbols[static_cast<unsigned char>(c)];
        if (byte < static_cast<Symbol>(size()))
            ids.push_back(static_cast<std::int32_t>(byte));
        else if (m_vocabulary.unknown >= 0)
            ids.push_back(m_vocabulary.unknown);
    }
}

std::string_view BpeTokenizer::piece(std::int32_t token) const {
    return token >= 0 && token < size() ? std::string_view(m_pieces[static_cast<std::size_t>(token)]) : std::string_view();
}

bool BpeTokenizer::endsGeneration(std::int32_t token) const {
    return token >= 0 && token < size() && m_vocabulary.endsGeneration[static_cast<std::size_t>(token)];
}

} // namespace moescope::model

#include "engine/model/spm_tokenizer.h"

#include "engine/model/model_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <queue>

namespace moescope::model {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81"; // U+2581

std::string replaceAll(std::string_view text, std::string_view from, std::string_view to) {
    std::string result;
    result.reserve(text.size());
    for (auto at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
        result.append(text.substr(0, at)).append(to);
        text.remove_prefix(at + from.size());
    }
    return result.append(text);
}

/// "<0x0A>" -> 10.
std::optional<std::uint8_t> byteOf(std::string_view text) {
    std::uint8_t value = 0;
    if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>')
        return std::nullopt;
    const char* const end = text.data() + 5;
    const auto [stop, error] = std::from_chars(text.data() + 3, end, value, 16);
    return error == std::errc() && stop == end ? std::optional(value) : std::nullopt;
}

/// Bytes of the first character of a non-empty text; 1 when it is broken, so that it cannot swallow a space mark.
std::size_t characterBytes(std::string_view text) {
    constexpr std::uint8_t kLengths[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4};
    const std::size_t length = kLengths[static_cast<unsigned char>(text.front()) >> 4];
    const std::string_view rest = text.substr(1, length - 1);
    const bool whole =
        rest.size() == length - 1 && std::all_of(rest.begin(), rest.end(), [](char c) { return (c & 0xC0) == 0x80; });
    return whole ? length : 1;
}

} // namespace

/// One text while it is merged: a linked list of symbols and a queue of possible merges. Lives for one call.
class SpmTokenizer::Merger {
public:
    Merger(const SpmTokenizer& tokenizer, std::string_view text) : m_tokenizer(tokenizer), m_text(text) {
        m_symbols.reserve(text.size());
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t length = characterBytes(text.substr(at));
            const int index = static_cast<int>(m_symbols.size());
            m_symbols.push_back({at, length, index - 1, at + length < text.size() ? index + 1 : -1});
            at += length;
        }
    }

    void run(std::vector<std::int32_t>& ids) {
        std::vector<Pair> storage;
        storage.reserve(m_symbols.size());
        m_queue = Queue(LaterPair{}, std::move(storage));
        for (int right = 1; right < static_cast<int>(m_symbols.size()); ++right)
            consider(right - 1, right);
        while (!m_queue.empty()) {
            const Pair pair = m_queue.top();
            m_queue.pop();
            merge(pair);
        }
        emit(ids);
    }

private:
    struct Symbol {
        std::size_t start;
        std::size_t length; ///< 0: merged into its left neighbour
        int previous;
        int next;
    };
    struct Pair {
        float score;
        int left;
        int right;
        std::size_t length; ///< of both when queued; differs once one of them has grown
    };
    struct LaterPair {
        bool operator()(const Pair& a, const Pair& b) const {
            return a.score < b.score || (a.score == b.score && a.left > b.left);
        }
    };
    using Queue = std::priority_queue<Pair, std::vector<Pair>, LaterPair>;

    Symbol& symbol(int index) { return m_symbols[static_cast<std::size_t>(index)]; }

    void consider(int left, int right) {
        if (left < 0 || right < 0)
            return;
        const std::size_t length = symbol(left).length + symbol(right).length;
        const auto found = m_tokenizer.m_ids.find(m_text.substr(symbol(left).start, length));
        if (found != m_tokenizer.m_ids.end())
            m_queue.push({m_tokenizer.m_vocabulary.scores[static_cast<std::size_t>(found->second)], left, right, length});
    }

    void merge(const Pair& pair) {
        Symbol& left = symbol(pair.left);
        Symbol& right = symbol(pair.right);
        if (left.length == 0 || right.length == 0 || left.length + right.length != pair.length)
            return;
        left.length += right.length;
        right.length = 0;
        left.next = right.next;
        if (right.next >= 0)
            symbol(right.next).previous = pair.left;
        consider(left.previous, pair.left);
        consider(pair.left, left.next);
    }

    void emit(std::vector<std::int32_t>& ids) {
        for (int i = m_symbols.empty() ? -1 : 0; i >= 0; i = symbol(i).next) {
            const std::string_view text = m_text.substr(symbol(i).start, symbol(i).length);
            const auto found = m_tokenizer.m_ids.find(text);
            if (found != m_tokenizer.m_ids.end())
                ids.push_back(found->second);
            else
                m_tokenizer.appendBytes(text, ids);
        }
    }

    const SpmTokenizer& m_tokenizer;
    std::string_view m_text;
    std::vector<Symbol> m_symbols;
    Queue m_queue;
};

SpmTokenizer::SpmTokenizer(Vocabulary vocabulary, std::string_view fileName)
    : m_vocabulary(std::move(vocabulary)), m_specials(m_vocabulary) {
    m_byteTokens.fill(-1);
    m_pieces.resize(m_vocabulary.texts.size());
    m_ids.reserve(m_vocabulary.texts.size());
    for (std::int32_t token = 0; token < m_vocabulary.size(); ++token) {
        const std::string& text = m_vocabulary.text(token);
        const TokenKind kind = m_vocabulary.kind(token);
        std::string& piece = m_pieces[static_cast<std::size_t>(token)];
        if (kind == TokenKind::Byte) {
            const auto byte = byteOf(text);
            if (!byte)
                refuse(fileName, fmt::format("byte token {} is written {}", token, quotedName(text)));
            m_byteTokens[*byte] = token;
            piece.assign(1, static_cast<char>(*byte));
        } else if (kind == TokenKind::Normal || kind == TokenKind::UserDefined) {
            piece = kind == TokenKind::Normal ? replaceAll(text, kSpaceMark, " ") : text;
            m_ids[text] = token;
        }
    }
}

std::vector<std::int32_t> SpmTokenizer::encode(std::string_view text, bool addBos, bool parseSpecial) const {
    std::vector<std::int32_t> ids;
    if (addBos && m_vocabulary.bos >= 0)
        ids.push_back(m_vocabulary.bos);
    bool afterSpecial = true;
    for (const TextFragment& fragment : m_specials.split(text, parseSpecial)) {
        if (fragment.token >= 0) {
            ids.push_back(fragment.token);
        } else {
            const std::string prefix = m_vocabulary.addSpacePrefix && afterSpecial ? std::string(kSpaceMark) : std::string();
            const std::string marked = prefix + replaceAll(fragment.text, " ", kSpaceMark);
            Merger(*this, marked).run(ids);
        }
        afterSpecial = fragment.token >= 0;
    }
    return ids;
}

void SpmTokenizer::appendBytes(std::string_view bytes, std::vector<std::int32_t>& ids) const {
    for (const char c : bytes) {
        const std::int32_t token = m_byteTokens[static_cast<unsigned char>(c)];
        if (token >= 0 || m_vocabulary.unknown >= 0)
            ids.push_back(token >= 0 ? token : m_vocabulary.unknown);
    }
}

std::string_view SpmTokenizer::piece(std::int32_t token) const {
    return token >= 0 && token < size() ? std::string_view(m_pieces[static_cast<std::size_t>(token)]) : std::string_view();
}

bool SpmTokenizer::endsGeneration(std::int32_t token) const {
    return token >= 0 && token < size() && m_vocabulary.endsGeneration[static_cast<std::size_t>(token)];
}

} // namespace moescope::model

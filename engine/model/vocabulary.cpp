#include "engine/model/vocabulary.h"

#include "engine/model/model_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace moescope::model {
namespace {

constexpr std::size_t kLargestVocabulary = std::size_t{1} << 24;

constexpr std::array<std::string_view, 11> kEndTexts = {
    "</s>",          "<|eot_id|>",    "<|eom_id|>",      "<|im_end|>",           "<|end|>", "<|return|>", "<|call|>",
    "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "<｜end▁of▁sentence｜>"};
constexpr std::array<std::string_view, 4> kHarmonyMarks = {"<|start|>", "<|channel|>", "<|message|>", "<|constrain|>"};

std::int32_t tokenId(const GgufFile& file, std::string_view key, std::size_t vocabulary, std::int32_t usual) {
    constexpr std::int64_t kNone = 0xFFFFFFFF;
    const std::string full = fmt::format("tokenizer.ggml.{}", key);
    const auto id = file.integer(full);
    if (!id)
        return usual >= 0 && static_cast<std::size_t>(usual) < vocabulary ? usual : -1;
    if (*id == -1 || *id == kNone)
        return -1;
    if (*id < 0 || static_cast<std::uint64_t>(*id) >= vocabulary)
        refuse(file.name(), fmt::format("metadata key '{}' is {}, outside its vocabulary of {} tokens", full, *id, vocabulary));
    return static_cast<std::int32_t>(*id);
}

std::vector<float> readScores(const GgufFile& file, std::size_t count) {
    const auto scores = file.reals("tokenizer.ggml.scores");
    if (!scores)
        return std::vector<float>(count, 0.0F);
    if (scores->size() != count)
        refuse(file.name(), fmt::format("it has {} tokens but {} token scores", count, scores->size()));
    std::vector<float> all;
    all.reserve(count);
    for (const double score : *scores) {
        if (!(std::abs(score) <= 1e30))
            refuse(file.name(), fmt::format("the score of token {} is not a usable number", all.size()));
        all.push_back(static_cast<float>(score));
    }
    return all;
}

std::vector<TokenKind> readKinds(const GgufFile& file, std::size_t count) {
    const auto kinds = file.integers("tokenizer.ggml.token_type");
    if (!kinds)
        return std::vector<TokenKind>(count, TokenKind::Normal);
    if (kinds->size() != count)
        refuse(file.name(), fmt::format("it has {} tokens but {} token types", count, kinds->size()));
    std::vector<TokenKind> all;
    all.reserve(count);
    for (const std::int64_t kind : *kinds) {
        if (kind < 1 || kind > 6)
            refuse(file.name(), fmt::format("token {} has the unknown type {}", all.size(), kind));
        all.push_back(static_cast<TokenKind>(kind));
    }
    return all;
}

bool hasToken(const Vocabulary& vocabulary, std::string_view text) {
    return std::find(vocabulary.texts.begin(), vocabulary.texts.end(), text) != vocabulary.texts.end();
}

std::vector<bool> readEnds(const GgufFile& file, const Vocabulary& vocabulary) {
    std::vector<bool> ends(vocabulary.texts.size(), false);
    for (std::int32_t token = 0; token < vocabulary.size(); ++token) {
        const std::string& text = vocabulary.text(token);
        // In gpt-oss's format <|end|> ends a part of an answer, such as what it thought first.
        const bool partOnly = vocabulary.harmony && text == "<|end|>";
        const TokenKind kind = vocabulary.kind(token);
        ends[static_cast<std::size_t>(token)] = (kind == TokenKind::Control || kind == TokenKind::UserDefined) && !partOnly &&
                                                std::find(kEndTexts.begin(), kEndTexts.end(), text) != kEndTexts.end();
    }
    for (const std::int32_t token :
         {vocabulary.eos, tokenId(file, "eot_token_id", ends.size(), -1), tokenId(file, "eom_token_id", ends.size(), -1)})
        if (token >= 0 && !(vocabulary.harmony && vocabulary.text(token) == "<|end|>"))
            ends[static_cast<std::size_t>(token)] = true;
    return ends;
}

} // namespace

bool Vocabulary::isVisible(std::int32_t token) const {
    return harmony && std::find(kHarmonyMarks.begin(), kHarmonyMarks.end(), text(token)) != kHarmonyMarks.end();
}

Vocabulary readVocabulary(const GgufFile& file, const VocabularyDefaults& defaults) {
    const auto tokens = file.texts("tokenizer.ggml.tokens");
    if (!tokens || tokens->empty())
        refuse(file.name(), "metadata key 'tokenizer.ggml.tokens' is missing or empty");
    const std::size_t count = tokens->size();
    if (count > kLargestVocabulary)
        refuse(file.name(), fmt::format("its vocabulary of {} tokens is too large", count));
    Vocabulary vocabulary;
    vocabulary.texts.assign(tokens->begin(), tokens->end());
    vocabulary.scores = readScores(file, count);
    vocabulary.kinds = readKinds(file, count);
    vocabulary.unknown = tokenId(file, "unknown_token_id", count, defaults.unknown);
    vocabulary.bos = tokenId(file, "bos_token_id", count, defaults.bos);
    vocabulary.eos = tokenId(file, "eos_token_id", count, defaults.eos);
    vocabulary.addBos = file.boolean("tokenizer.ggml.add_bos_token").value_or(defaults.addBos);
    vocabulary.addSpacePrefix = file.boolean("tokenizer.ggml.add_space_prefix").value_or(defaults.addSpacePrefix);
    vocabulary.harmony = hasToken(vocabulary, "<|channel|>") && hasToken(vocabulary, "<|return|>");
    vocabulary.endsGeneration = readEnds(file, vocabulary);
    return vocabulary;
}

SpecialTokens::SpecialTokens(const Vocabulary& vocabulary) {
    for (std::int32_t token = 0; token < vocabulary.size(); ++token) {
        const TokenKind kind = vocabulary.kind(token);
        const bool special = kind == TokenKind::Control || kind == TokenKind::Unknown || kind == TokenKind::UserDefined;
        if (special && !vocabulary.text(token).empty())
            m_specials.push_back({token, kind == TokenKind::UserDefined, vocabulary.text(token)});
    }
    std::stable_sort(m_specials.begin(), m_specials.end(),
                     [](const Special& a, const Special& b) { return a.text.size() > b.text.size(); });
    for (std::size_t i = 0; i < m_specials.size(); ++i) {
        m_byText.push_back(i);
        m_firstBytes[static_cast<unsigned char>(m_specials[i].text.front())] = true;
    }
    std::sort(m_byText.begin(), m_byText.end(),
              [this](std::size_t a, std::size_t b) { return m_specials[a].text < m_specials[b].text; });
}

std::vector<std::size_t> SpecialTokens::occurringIn(std::string_view text, bool parseSpecial) const {
    std::vector<bool> occurs(m_specials.size(), false);
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (!m_firstBytes[static_cast<unsigned char>(text[at])])
            continue;
        auto first = m_byText.begin();
        auto last = m_byText.end();
        // Byte by byte, those that agree with the text so far are neighbours.
        for (std::size_t length = 0; first != last; ++length) {
            for (; first != last && m_specials[*first].text.size() == length; ++first)
                occurs[*first] = true;
            if (at + length == text.size())
                break;
            const char next = text[at + length];
            const auto byteAt = [&](std::size_t i) { return static_cast<unsigned char>(m_specials[i].text[length]); };
            first =
                std::partition_point(first, last, [&](std::size_t i) { return byteAt(i) < static_cast<unsigned char>(next); });
            last =
                std::partition_point(first, last, [&](std::size_t i) { return byteAt(i) == static_cast<unsigned char>(next); });
        }
    }
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < m_specials.size(); ++i)
        if (occurs[i] && (parseSpecial || m_specials[i].userDefined))
            places.push_back(i);
    return places;
}

std::vector<TextFragment> SpecialTokens::split(std::string_view text, bool parseSpecial) const {
    std::vector<TextFragment> fragments;
    if (!text.empty())
        fragments.push_back({-1, text});
    // Most special tokens do not occur; the list is only rebuilt for those that do.
    for (const std::size_t place : occurringIn(text, parseSpecial)) {
        const Special& special = m_specials[place];
        std::vector<TextFragment> next;
        for (const TextFragment& fragment : fragments) {
            std::string_view rest = fragment.text;
            for (auto at = rest.find(special.text); fragment.token < 0 && at != std::string_view::npos;
                 at = rest.find(special.text)) {
                if (at > 0)
                    next.push_back({-1, rest.substr(0, at)});
                next.push_back({special.token, special.text});
                rest.remove_prefix(at + special.text.size());
            }
            if (fragment.token >= 0)
                next.push_back(fragment);
            else if (!rest.empty())
                next.push_back({-1, rest});
        }
        fragments = std::move(next);
    }
    return fragments;
}

} // namespace moescope::model

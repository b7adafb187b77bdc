#include "engine/model/vocabulary.h"

#include "engine/model/model_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace moescope::model {
namespace {

constexpr std::size_t kLargestVocabulary = std::size_t{1} << 24;

constexpr std::array<std::string_view, 10> kEndTexts = {
    "</s>",     "<|eot_id|>",    "<|im_end|>",    "<|end|>",         "<|return|>",
    "<|call|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "<｜end▁of▁sentence｜>"};

std::int32_t tokenId(const GgufFile& file, std::string_view key, std::size_t vocabulary, std::int32_t usual) {
    constexpr std::int64_t kNone = 0xFFFFFFFF;
    const std::string full = fmt::format("tokenizer.ggml.{}", key);
    const auto id = file.integer(full);
    if (!id)
        return static_cast<std::size_t>(usual) < vocabulary ? usual : -1;
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

std::vector<bool> readEnds(const GgufFile& file, const Vocabulary& vocabulary) {
    std::vector<bool> ends(vocabulary.texts.size(), false);
    for (std::int32_t token = 0; token < vocabulary.size(); ++token)
        ends[static_cast<std::size_t>(token)] =
            vocabulary.kind(token) == TokenKind::Control &&
            std::find(kEndTexts.begin(), kEndTexts.end(), vocabulary.text(token)) != kEndTexts.end();
    for (const std::int32_t token :
         {vocabulary.eos, tokenId(file, "eot_token_id", ends.size(), -1), tokenId(file, "eom_token_id", ends.size(), -1)})
        if (token >= 0)
            ends[static_cast<std::size_t>(token)] = true;
    return ends;
}

} // namespace

Vocabulary readVocabulary(const GgufFile& file) {
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
    vocabulary.unknown = tokenId(file, "unknown_token_id", count, 0);
    vocabulary.bos = tokenId(file, "bos_token_id", count, 1);
    vocabulary.eos = tokenId(file, "eos_token_id", count, 2);
    vocabulary.addBos = file.boolean("tokenizer.ggml.add_bos_token").value_or(true);
    vocabulary.addSpacePrefix = file.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
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
}

std::vector<TextFragment> SpecialTokens::split(std::string_view text, bool parseSpecial) const {
    std::vector<TextFragment> fragments;
    if (!text.empty())
        fragments.push_back({-1, text});
    for (const Special& special : m_specials) {
        // Most special tokens do not occur; the list is only rebuilt for those that do.
        if ((!parseSpecial && !special.userDefined) || text.find(special.text) == std::string_view::npos)
            continue;
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

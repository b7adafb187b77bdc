#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::model {

/// How a byte-level vocabulary wants texts cut before merging, by the names of `tokenizer.ggml.pre`.
struct PreTokenizerKind {
    std::span<const std::string_view> names;
    /// Applied one after the other, each to every piece that the one before it made, matched or not. As published with the
    /// models, in the syntax of Perl.
    std::span<const std::string_view> patterns;
    bool ignoreMerges = false; ///< a word that is a token becomes it, whatever merging would say
    bool addBos = false;       ///< where the file does not say
};

/// Nothing if this version does not know the name.
const PreTokenizerKind* findPreTokenizer(std::string_view name);
/// Every name, for messages: "gpt-2, olmo, …".
std::string preTokenizerNames();

/// Cuts texts into words. Immutable after construction; any thread.
class PreTokenizer {
public:
    explicit PreTokenizer(const PreTokenizerKind& kind);
    ~PreTokenizer();
    PreTokenizer(PreTokenizer&&) noexcept;

    /// The words in order; together they are the text. Bytes that are not UTF-8 are words of their own. Throws
    /// std::runtime_error if the text asks too much of the pattern.
    std::vector<std::string_view> split(std::string_view text) const;

private:
    class Pattern;
    std::vector<std::unique_ptr<Pattern>> m_patterns;
};

} // namespace moescope::model

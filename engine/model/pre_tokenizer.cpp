#define PCRE2_CODE_UNIT_WIDTH 8
#include "engine/model/pre_tokenizer.h"

#include "engine/model/utf8.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <array>
#include <new>
#include <stdexcept>

namespace moescope::model {
namespace {

constexpr std::size_t kJitStackBytes = 4 << 20;
// A guard against patterns that would look forever; the published ones need a few steps per character.
constexpr std::uint32_t kMatchLimit = 1U << 30;

template <auto Free>
struct Freeing {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
using Code = std::unique_ptr<pcre2_code, Freeing<pcre2_code_free>>;
using Match = std::unique_ptr<pcre2_match_data, Freeing<pcre2_match_data_free>>;
using Context = std::unique_ptr<pcre2_match_context, Freeing<pcre2_match_context_free>>;
using Stack = std::unique_ptr<pcre2_jit_stack, Freeing<pcre2_jit_stack_free>>;

std::string problemText(int code) {
    std::array<PCRE2_UCHAR, 128> text{};
    pcre2_get_error_message(code, text.data(), text.size());
    return reinterpret_cast<const char*>(text.data());
}

/// The pattern with Unicode's White_Space for \s: Perl's has U+180E as well, which has not been a space since Unicode 6.3.
std::string withUnicodeSpaces(std::string_view pattern) {
    constexpr std::string_view kSpaces = R"(\t-\r\x{85}\p{Z})";
    std::string exact;
    bool inClass = false;
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        const char c = pattern[at];
        if (c != '\\') {
            inClass = (inClass || c == '[') && c != ']';
            exact += c;
            continue;
        }
        const char kind = pattern[++at];
        if (kind == 's' && inClass)
            exact += kSpaces;
        else if (kind == 's' || kind == 'S')
            exact += fmt::format("[{}{}]", kind == 'S' ? "^" : "", kSpaces);
        else
            exact.append({c, kind});
    }
    return exact;
}

} // namespace

/// One compiled pattern.
class PreTokenizer::Pattern {
public:
    /// What matching needs, for one thread and one text.
    struct Workplace {
        Workplace()
            : stack(pcre2_jit_stack_create(32 << 10, kJitStackBytes, nullptr)), context(pcre2_match_context_create(nullptr)) {
            if (!stack || !context)
                throw std::bad_alloc();
            pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
            pcre2_set_match_limit(context.get(), kMatchLimit);
        }
        Stack stack;
        Context context;
    };

    explicit Pattern(std::string_view pattern) {
        const std::string exact = withUnicodeSpaces(pattern);
        int problem = 0;
        std::size_t at = 0;
        m_code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(exact.data()), exact.size(), PCRE2_UTF | PCRE2_UCP, &problem,
                                   &at, nullptr));
        if (!m_code)
            throw std::runtime_error(fmt::format("The pattern '{}' cannot be used: {}.", exact, problemText(problem)));
        // Where the system forbids code made at run time, PCRE2 interprets: slower, the same words.
        pcre2_jit_compile(m_code.get(), PCRE2_JIT_COMPLETE);
    }

    /// Appends what matches and what lies between. text is valid UTF-8.
    void split(std::string_view text, Workplace& place, std::vector<std::string_view>& words) const {
        const Match match(pcre2_match_data_create(1, nullptr));
        std::size_t done = 0;
        std::size_t from = 0;
        while (from < text.size()) {
            const int found = pcre2_match(m_code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                                          PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, match.get(), place.context.get());
            if (found == PCRE2_ERROR_NOMATCH)
                break;
            if (found < 0)
                throw std::runtime_error(fmt::format("The text could not be cut into words: {}.", problemText(found)));
            const PCRE2_SIZE* const span = pcre2_get_ovector_pointer(match.get());
            if (span[0] > done)
                words.push_back(text.substr(done, span[0] - done));
            words.push_back(text.substr(span[0], span[1] - span[0]));
            done = from = span[1];
        }
        if (done < text.size())
            words.push_back(text.substr(done));
    }

private:
    Code m_code;
};

PreTokenizer::PreTokenizer(const PreTokenizerKind& kind) {
    for (const std::string_view pattern : kind.patterns)
        m_patterns.push_back(std::make_unique<Pattern>(pattern));
}

PreTokenizer::~PreTokenizer() = default;
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;

std::vector<std::string_view> PreTokenizer::split(std::string_view text) const {
    using Verdict = Utf8Step::Verdict;
    Pattern::Workplace place;
    std::vector<std::string_view> words;
    std::vector<std::string_view> pieces;
    std::vector<std::string_view> next;
    while (!text.empty()) {
        std::size_t length = 0;
        const bool whole = firstCharacter(text).verdict == Verdict::Whole;
        while (length < text.size()) {
            const Utf8Step step = firstCharacter(text.substr(length));
            if ((step.verdict == Verdict::Whole) != whole)
                break;
            length += step.bytes;
        }
        pieces.assign(1, text.substr(0, length));
        for (std::size_t i = 0; whole && i < m_patterns.size(); ++i) {
            next.clear();
            for (const std::string_view piece : pieces)
                m_patterns[i]->split(piece, place, next);
            std::swap(pieces, next);
        }
        words.insert(words.end(), pieces.begin(), pieces.end());
        text.remove_prefix(length);
    }
    return words;
}

} // namespace moescope::model

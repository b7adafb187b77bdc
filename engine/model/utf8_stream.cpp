#include "engine/model/tokenizer.h"
#include "engine/model/utf8.h"

#include <cstdint>

namespace moescope::model {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD"; // U+FFFD

} // namespace

Utf8Step firstCharacter(std::string_view text) {
    using Verdict = Utf8Step::Verdict;
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = at(0);
    if (lead < 0x80)
        return {1, Verdict::Whole};
    if (lead < 0xC2 || lead > 0xF4)
        return {1, Verdict::Broken};
    const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t i = 1; i < length; ++i) {
        if (i == text.size())
            return {i, Verdict::Incomplete};
        if (at(i) < (i == 1 ? low : 0x80) || at(i) > (i == 1 ? high : 0xBF))
            return {i, Verdict::Broken};
    }
    return {length, Verdict::Whole};
}

std::string Utf8Stream::push(std::string_view bytes) {
    m_pending += bytes;
    std::string_view rest = m_pending;
    std::string out;
    while (!rest.empty()) {
        const Utf8Step step = firstCharacter(rest);
        if (step.verdict == Utf8Step::Verdict::Incomplete)
            break;
        out += step.verdict == Utf8Step::Verdict::Whole ? rest.substr(0, step.bytes) : kReplacement;
        rest.remove_prefix(step.bytes);
    }
    m_pending.erase(0, m_pending.size() - rest.size());
    return out;
}

std::string Utf8Stream::finish() {
    const bool cut = !m_pending.empty();
    m_pending.clear();
    return cut ? std::string(kReplacement) : std::string();
}

} // namespace moescope::model

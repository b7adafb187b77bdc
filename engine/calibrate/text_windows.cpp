#include "engine/calibrate/text_windows.h"

#include <fmt/format.h>
#include <stdexcept>

namespace moescope::calibrate {
namespace {

constexpr std::string_view kSeparator = "<|endoftext|>";

std::string_view stripped(std::string_view text) {
    constexpr std::string_view kWhite = " \t\r\n\v\f";
    const auto first = text.find_first_not_of(kWhite);
    return first == std::string_view::npos ? std::string_view() : text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

} // namespace

TextWindows cutWindows(std::string_view text, const model::Tokenizer& tokenizer, int windowTokens, std::int64_t mostTokens) {
    std::vector<std::int32_t> tokens;
    while (!text.empty()) {
        const auto end = text.find(kSeparator);
        const std::string_view document = stripped(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + kSeparator.size());
        if (document.empty())
            continue;
        const auto ids = tokenizer.encode(document, true, false);
        tokens.insert(tokens.end(), ids.begin(), ids.end());
        if (tokenizer.eos() >= 0)
            tokens.push_back(tokenizer.eos());
    }
    TextWindows result;
    result.textTokens = static_cast<std::int64_t>(tokens.size());
    const auto width = static_cast<std::size_t>(windowTokens);
    for (std::size_t first = 0; first + width <= tokens.size() && result.tokens < mostTokens; first += width) {
        const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(first);
        result.windows.emplace_back(begin, begin + windowTokens);
        result.tokens += windowTokens;
    }
    if (result.windows.size() < 2)
        throw std::runtime_error(fmt::format(
            "The text gives {} windows of {} tokens and a calibration needs 2: it has {} tokens, {} were asked for.",
            result.windows.size(), windowTokens, result.textTokens, mostTokens));
    return result;
}

} // namespace moescope::calibrate

#pragma once
#include <fmt/format.h>
#include <string>
#include <string_view>

namespace moescope::app {

/// Results, to stdout. Throws std::runtime_error with one sentence when they cannot be written; a reader that went away (`|
/// head`) has had enough and is no failure.
void putResult(std::string_view text);
/// Progress and complaints, to stderr. Never throws: there is nowhere left to complain.
void putNote(std::string_view text) noexcept;

template <class... Values>
void tell(fmt::format_string<Values...> form, Values&&... values) {
    putResult(fmt::format(form, std::forward<Values>(values)...));
}
template <class... Values>
void say(fmt::format_string<Values...> form, Values&&... values) {
    putNote(fmt::format(form, std::forward<Values>(values)...));
}

} // namespace moescope::app

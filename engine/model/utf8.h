#pragma once
#include <cstddef>
#include <string_view>

namespace moescope::model {

/// The first character of a text, after table 3-7 of the Unicode standard. A broken one spans its maximal subpart, so that
/// the number of U+FFFD is the one browsers show.
struct Utf8Step {
    std::size_t bytes = 1;
    enum class Verdict { Whole, Broken, Incomplete } verdict = Verdict::Broken;
};
/// text must not be empty. Incomplete: it ends within the character.
Utf8Step firstCharacter(std::string_view text);

} // namespace moescope::model

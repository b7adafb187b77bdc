#pragma once
#include "engine/model/tokenizer.h"

namespace moescope::calibrate {

/// A text as the model was trained to read it: documents, separated by a line `<|endoftext|>` (none: the whole text is one),
/// stripped of white space at both ends, each between bos and eos; then cut into windows. Nothing is said across windows.
struct TextWindows {
    std::vector<std::vector<std::int32_t>> windows; ///< windowTokens each
    std::int64_t tokens = 0;                        ///< in the windows
    std::int64_t textTokens = 0;                    ///< in the whole text
};

/// Windows for at least mostTokens tokens, or for what the text has. Throws std::runtime_error with one sentence when it is too
/// short for two windows.
TextWindows cutWindows(std::string_view text, const model::Tokenizer& tokenizer, int windowTokens, std::int64_t mostTokens);

} // namespace moescope::calibrate

#pragma once
#include "engine/model/gguf_file.h"

namespace moescope::model {

/// What a file says of the split model that it is a part of: llama-gguf-split's keys split.no, split.count and
/// split.tensors.count. A file that says nothing is the only part.
struct SplitPart {
    int number = 0; ///< from 0
    int count = 1;
    std::optional<std::int64_t> tensors; ///< of all parts
};

/// Throws std::runtime_error with one sentence naming the file when the numbers make no sense.
SplitPart splitPartOf(const GgufFile& file);

/// Throws std::runtime_error with one sentence naming the file when it is another part than expected, or of another model.
void checkBelongs(const SplitPart& found, const SplitPart& expected, std::string_view file);

/// Where part `number` lies beside a part at `path`: <base>-00002-of-00003.gguf. Nothing when that part's own name does not
/// follow the form.
std::optional<std::filesystem::path> pathOfPart(const std::filesystem::path& path, const SplitPart& part, int number);

} // namespace moescope::model

#include "engine/model/split_part.h"

#include "engine/model/model_error.h"

#include <algorithm>
#include <fmt/format.h>

namespace moescope::model {
namespace {

/// The names have five digits.
constexpr std::int64_t kMostParts = 99999;

std::string ending(int number, int count) {
    return fmt::format("-{:05}-of-{:05}.gguf", number + 1, count);
}

} // namespace

SplitPart splitPartOf(const GgufFile& file) {
    const std::int64_t count = file.integer("split.count").value_or(1);
    const std::int64_t number = file.integer("split.no").value_or(0);
    if (count < 0 || count > kMostParts || number < 0 || number >= std::max<std::int64_t>(1, count))
        refuse(file.name(), fmt::format("its metadata calls it part {} of {} of a split model", number + 1, count));
    return {static_cast<int>(number), std::max(1, static_cast<int>(count)), file.integer("split.tensors.count")};
}

void checkBelongs(const SplitPart& found, const SplitPart& expected, std::string_view file) {
    if (found.number != expected.number || found.count != expected.count)
        refuse(file, fmt::format("its name calls it part {} of {} of a split model, and its metadata part {} of {}",
                                 expected.number + 1, expected.count, found.number + 1, found.count));
    if (found.tensors && expected.tensors && *found.tensors != *expected.tensors)
        refuse(file, fmt::format("it belongs to a split model of {} tensors, and the first part to one of {}", *found.tensors,
                                 *expected.tensors));
}

std::optional<std::filesystem::path> pathOfPart(const std::filesystem::path& path, const SplitPart& part, int number) {
    const std::string name = path.filename().string();
    const std::string own = ending(part.number, part.count);
    if (!name.ends_with(own))
        return std::nullopt;
    return path.parent_path() / (name.substr(0, name.size() - own.size()) + ending(number, part.count));
}

} // namespace moescope::model

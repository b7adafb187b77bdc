#include "engine/model/model_error.h"

#include <fmt/format.h>

#include <stdexcept>

namespace moescope::model {

void refuse(std::string_view file, std::string_view reason) {
    throw std::runtime_error(fmt::format("Cannot use the model '{}': {}.", file, reason));
}

std::string quotedName(std::string_view name) {
    constexpr std::size_t kLongest = 80;
    std::string shown = "'";
    for (const char c : name.substr(0, kLongest))
        shown += c >= 0x20 && c < 0x7f ? c : '?';
    shown += name.size() > kLongest ? "…'" : "'";
    return shown;
}

} // namespace moescope::model

#pragma once
#include <string>
#include <string_view>

namespace moescope::model {

/// Throws std::runtime_error: one sentence for the user naming the model file and the reason (no full stop at its end).
[[noreturn]] void refuse(std::string_view file, std::string_view reason);

/// A name out of an untrusted file, in quotes: control characters and broken bytes replaced, long names shortened.
std::string quotedName(std::string_view name);

} // namespace moescope::model

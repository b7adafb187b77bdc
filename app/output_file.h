#pragma once
#include <string>

namespace moescope::app {

/// Refuses before the work, not after it: throws UsageError when `path` is a folder or exists and may not be replaced,
/// std::runtime_error when its folder is not there or cannot be written to.
void checkOutputFile(const std::string& path, bool overwrite);

} // namespace moescope::app

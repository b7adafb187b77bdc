#pragma once
#include <string_view>

namespace moescope::analysis {

/// Bytes per second that the setting `link` allows; 0 when it is not emulated or not known.
double linkBytesPerSecond(std::string_view link);

} // namespace moescope::analysis

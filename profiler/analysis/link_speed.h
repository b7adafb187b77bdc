#pragma once
#include <string_view>

namespace moescope::analysis {

/// Bytes per second that the setting `link` allows; 0 when it is not emulated or not known.
double linkBytesPerSecond(std::string_view link);

/// What a PCIe link carries at most each way, bytes per second: lanes times the generation's rate, less its line code. 0 when
/// not known.
double pcieBytesPerSecond(int generation, int lanes);

} // namespace moescope::analysis

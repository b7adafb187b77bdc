#include "profiler/analysis/link_speed.h"

#include "engine/expert/expert_mover.h"

#include <array>
#include <stdexcept>

namespace moescope::analysis {

double linkBytesPerSecond(std::string_view link) {
    try {
        return expert::parseLink(link).bytesPerSecond;
    } catch (const std::invalid_argument&) {
        return 0;
    }
}

double pcieBytesPerSecond(int generation, int lanes) {
    constexpr std::array kGigatransfers{2.5, 5.0, 8.0, 16.0, 32.0, 64.0};
    if (generation < 1 || static_cast<std::size_t>(generation) > kGigatransfers.size() || lanes < 1 || lanes > 32)
        return 0;
    const double code = generation <= 2 ? 8.0 / 10 : generation <= 5 ? 128.0 / 130 : 242.0 / 256;
    return kGigatransfers[static_cast<std::size_t>(generation) - 1] * 1e9 / 8 * lanes * code;
}

} // namespace moescope::analysis

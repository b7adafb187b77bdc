#include "profiler/analysis/link_speed.h"

#include "engine/expert/expert_mover.h"

#include <stdexcept>

namespace moescope::analysis {

double linkBytesPerSecond(std::string_view link) {
    try {
        return expert::parseLink(link).bytesPerSecond;
    } catch (const std::invalid_argument&) {
        return 0;
    }
}

} // namespace moescope::analysis

#include "engine/policy/spare_time.h"

#include <algorithm>
#include <cmath>

namespace moescope::policy {

namespace {

constexpr double kNew = 1.0 / 8; ///< weight of the newest measurement

double blended(double known, double now) {
    return known + kNew * (now - known);
}

} // namespace

void SpareTime::window(int layer, trace::TimeNs lasted, trace::TimeNs demand) {
    double& known = m_spareNs[static_cast<std::size_t>(layer)];
    const auto now = static_cast<double>(std::max<trace::TimeNs>(0, lasted - demand));
    // One window in which the process was put aside must not buy guesses for the next dozen.
    constexpr double kWild = 8;
    known = known < 0 ? now : blended(known, known > 0 ? std::min(now, kWild * known) : now);
}

void SpareTime::copied(std::int64_t bytes, trace::TimeNs took) {
    if (bytes <= 0 || took <= 0)
        return;
    const double now = static_cast<double>(bytes) / static_cast<double>(took);
    m_bytesPerNs = m_bytesPerNs > 0 ? blended(m_bytesPerNs, now) : now;
}

double SpareTime::spareNs(int layer) const {
    return std::max(0.0, m_spareNs[static_cast<std::size_t>(layer)]);
}

std::int64_t SpareTime::budget(int layer, std::int64_t expertBytes) const {
    if (expertBytes <= 0)
        return 0;
    const double experts = std::round(spareNs(layer) * m_bytesPerNs / static_cast<double>(expertBytes));
    constexpr double kMost = 4096;
    return static_cast<std::int64_t>(std::min(kMost, experts)) * expertBytes;
}

} // namespace moescope::policy

#include "ui/slider_scale.h"

#include <algorithm>

namespace moescope::ui {

double SliderScale::valueAt(int position) const {
    const double share = std::clamp(static_cast<double>(position) / kSteps, 0.0, 1.0);
    switch (kind) {
    case Kind::Linear:
        return low + (high - low) * share;
    case Kind::Square:
        return low + (high - low) * share * share;
    case Kind::Logarithmic:
        return low * std::pow(high / low, share);
    }
    return low;
}

int SliderScale::positionOf(double value) const {
    if (high <= low)
        return 0;
    const double place = std::clamp(value, low, high);
    double share = (place - low) / (high - low);
    if (kind == Kind::Square)
        share = std::sqrt(share);
    else if (kind == Kind::Logarithmic)
        share = std::log(place / low) / std::log(high / low);
    return static_cast<int>(std::lround(share * kSteps));
}

double rounded(double value) {
    if (value == 0 || !std::isfinite(value))
        return 0;
    const double scale = std::pow(10.0, 2 - std::floor(std::log10(std::abs(value))));
    return std::round(value * scale) / scale;
}

} // namespace moescope::ui

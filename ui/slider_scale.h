#pragma once
#include <cmath>

namespace moescope::ui {

/// Positions of a slider (0..kSteps) to values and back. Pure.
struct SliderScale {
    enum class Kind { Linear, Square, Logarithmic }; ///< square: fine near the low end, with a true zero
    static constexpr int kSteps = 1000;

    Kind kind = Kind::Linear;
    double low = 0;
    double high = 1;

    double valueAt(int position) const;
    int positionOf(double value) const;
};

/// To three significant digits: what a slider sends.
double rounded(double value);

} // namespace moescope::ui

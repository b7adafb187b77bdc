#pragma once
#include <cmath>
#include <limits>
#include <vector>

namespace moescope::calibrate {

/// A mean over tokens whose values come window by window. Windows count as independent, tokens within one do not, so the
/// standard error is that of a ratio of window sums. A value.
class WindowMean {
public:
    void add(double sum, double count) { m_windows.push_back({sum, count}); }

    double count() const {
        double all = 0;
        for (const Window& window : m_windows)
            all += window.count;
        return all;
    }
    /// 0 without tokens.
    double mean() const {
        double sum = 0;
        for (const Window& window : m_windows)
            sum += window.sum;
        const double all = count();
        return all > 0 ? sum / all : 0;
    }
    /// NaN below two windows.
    double standardError() const {
        const auto windows = static_cast<double>(m_windows.size());
        if (windows < 2)
            return std::numeric_limits<double>::quiet_NaN();
        const double all = mean();
        double squares = 0;
        for (const Window& window : m_windows)
            squares += std::pow(window.sum - all * window.count, 2);
        return std::sqrt(squares * windows / (windows - 1)) / count();
    }

private:
    struct Window {
        double sum = 0;
        double count = 0;
    };
    std::vector<Window> m_windows;
};

} // namespace moescope::calibrate

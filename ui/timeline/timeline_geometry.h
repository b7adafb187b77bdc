#pragma once
#include "profiler/session/session_reader.h"

#include <QRectF>
#include <span>
#include <vector>

namespace moescope::ui {

/// Milliseconds of nanoseconds: the unit of the time axis.
constexpr double ms(trace::TimeNs time) {
    return static_cast<double>(time) / 1e6;
}

/// Time to pixels and back, linear. Pure.
struct TimeScale {
    double begin = 0; ///< nanoseconds at left
    double end = 1;
    double left = 0; ///< pixels
    double right = 1;

    double x(trace::TimeNs time) const { return left + (static_cast<double>(time) - begin) * perNs(); }
    trace::TimeNs time(double pixel) const { return static_cast<trace::TimeNs>(begin + (pixel - left) / perNs()); }
    double perNs() const { return (right - left) / (end - begin); }
};

/// One painted bar: a span, or a run of spans too narrow to be told apart.
struct DrawnBar {
    double left = 0;
    double right = 0;
    double coverage = 1;        ///< busy share of the run, 0..1
    std::int32_t colourKey = 0; ///< of the longest member
    std::int32_t count = 1;
    std::size_t first = 0; ///< index of the first member in the lane's bars
    std::size_t longest = 0;
};

/// The bars within the scale, sorted; neighbours whose bars would be narrower than minPixels become one. bars are sorted by
/// begin. O(visible bars + log n).
std::vector<DrawnBar> drawnBars(std::span<const session::LaneBar> bars, const TimeScale& scale, double minPixels);

/// The bar under a time, or the nearest one not farther than tolerance; -1 if there is none.
int barAt(std::span<const session::LaneBar> bars, trace::TimeNs time, trace::TimeNs tolerance);

/// Rows of equal height in a box, top to bottom.
class LaneStack {
public:
    LaneStack() = default;
    LaneStack(const QRectF& area, std::vector<session::Lane> lanes) : m_area(area), m_lanes(std::move(lanes)) {}

    const std::vector<session::Lane>& lanes() const { return m_lanes; }
    QRectF row(std::size_t index) const;
    /// Where the row's bars are drawn: centred, not taller than 18 px.
    QRectF bars(std::size_t index) const;
    /// Index of the row at that height, -1 outside.
    int at(double y) const;

private:
    QRectF m_area;
    std::vector<session::Lane> m_lanes;
};

struct TimeSpan {
    trace::TimeNs begin = 0;
    trace::TimeNs end = 0;
    trace::TimeNs size() const { return end - begin; }
    friend bool operator==(const TimeSpan&, const TimeSpan&) = default;
};

/// The view that follows the live edge: the edge stays at 94 % of the width.
TimeSpan followed(trace::TimeNs edge, trace::TimeNs width);
/// The view of the same width that shows the span, moved as little as possible; wider if the span does not fit.
TimeSpan revealed(const TimeSpan& view, const TimeSpan& wanted);
/// The distance of round ticks (1, 2 or 5 times a power of ten) that gives about that many over the range, milliseconds.
double roundTickStep(double rangeMs, int ticks);
/// Decimals that such a distance needs.
int tickDecimals(double stepMs);
/// How wide the followed view is: as wide as the session until that reaches the wanted width.
trace::TimeNs followWidth(trace::TimeNs edge, trace::TimeNs wanted);

} // namespace moescope::ui

#pragma once
#include "ui/simulator/sweep_model.h"

#include <QPointF>
#include <QString>
#include <QStringList>
#include <vector>

namespace moescope::ui {

/// Where a sweep's points lie in its plot: x by the first axis, a line per value of the second. Pure.
struct SweepPicture {
    struct Line {
        QString name;              ///< "lru", or empty where there is one line
        std::vector<int> points;   ///< indexes of the sweep's points, by x
        std::vector<double> x, y;  ///< y is not a number where the figure is not defined
        std::vector<double> bound; ///< the optimum at each x; empty unless a hit rate is drawn
    };
    std::vector<Line> lines;
    QStringList names; ///< of x, where it is no number: at 0, 1, 2 ...
    double left = 0, right = 1;
    double bottom = 0, top = 1;
    double recorded = 0; ///< y of the recording; not a number where it is not defined
};

/// figure: index into simulatedFigures().
SweepPicture sweepPicture(const SweepModel& sweep, int figure);

/// A point by line and place in it.
struct SweepSpot {
    int line = -1;
    int place = -1;
    bool valid() const { return line >= 0; }
    friend bool operator==(const SweepSpot&, const SweepSpot&) = default;
};
/// The point nearest to a pixel, within `reach` pixels. `toPixel` maps x and y of the plot.
template <class ToPixel>
SweepSpot nearestSpot(const SweepPicture& picture, const QPointF& at, double reach, ToPixel toPixel) {
    SweepSpot nearest;
    double best = reach * reach;
    for (std::size_t line = 0; line < picture.lines.size(); ++line)
        for (std::size_t place = 0; place < picture.lines[line].x.size(); ++place) {
            const QPointF away = toPixel(picture.lines[line].x[place], picture.lines[line].y[place]) - at;
            const double distance = away.x() * away.x() + away.y() * away.y();
            if (distance <= best) {
                best = distance;
                nearest = {static_cast<int>(line), static_cast<int>(place)};
            }
        }
    return nearest;
}
/// The spot `dx` places along its line and `dy` lines below, at the same x; stays inside. From nowhere: the first.
SweepSpot steppedSpot(const SweepPicture& picture, SweepSpot from, int dx, int dy);
/// The spot of a sweep's point; invalid if the picture has none.
SweepSpot spotOf(const SweepPicture& picture, int point);

} // namespace moescope::ui

#include "ui/simulator/sweep_geometry.h"

#include "ui/simulator/simulated_figures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace moescope::ui {
namespace {

constexpr double kMargin = 0.04; // of the width, beside the outermost points

double orNone(double value) {
    return value < 0 ? std::numeric_limits<double>::quiet_NaN() : value;
}

/// The places of the axis' values; their names where they are no numbers.
std::vector<double> placesOf(const simulate::SweepAxis& axis, QStringList& names) {
    std::vector<double> places;
    for (const std::string& value : axis.values) {
        bool number = false;
        places.push_back(QString::fromStdString(value).toDouble(&number));
        if (number)
            continue;
        for (const std::string& name : axis.values)
            names << QString::fromStdString(name);
        places.resize(axis.values.size());
        std::iota(places.begin(), places.end(), 0.0);
        break;
    }
    return places;
}

std::size_t indexOf(const std::vector<std::string>& values, const std::string& value) {
    return static_cast<std::size_t>(std::find(values.begin(), values.end(), value) - values.begin());
}

void sortByX(SweepPicture::Line& line) {
    std::vector<std::size_t> order(line.x.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return line.x[a] < line.x[b]; });
    const SweepPicture::Line was = line;
    for (std::size_t i = 0; i < order.size(); ++i) {
        line.points[i] = was.points[order[i]];
        line.x[i] = was.x[order[i]];
        line.y[i] = was.y[order[i]];
        if (!was.bound.empty())
            line.bound[i] = was.bound[order[i]];
    }
}

void setRanges(SweepPicture& picture, const std::vector<double>& places, bool share) {
    const auto [least, most] = std::minmax_element(places.begin(), places.end());
    const double width = std::max(*most - *least, picture.names.isEmpty() ? std::max(1e-9, std::abs(*most) * 0.1) : 1.0);
    const double margin = picture.names.isEmpty() ? width * kMargin : 0.5;
    picture.left = *least - margin;
    picture.right = *most + margin;
    double top = std::isnan(picture.recorded) ? 0 : picture.recorded;
    for (const SweepPicture::Line& line : picture.lines) {
        for (const double y : line.y)
            top = std::isnan(y) ? top : std::max(top, y);
        for (const double y : line.bound)
            top = std::isnan(y) ? top : std::max(top, y);
    }
    picture.top = share ? 1.0 : top > 0 ? top * 1.08 : 1.0;
}

} // namespace

SweepPicture sweepPicture(const SweepModel& sweep, int figure) {
    SweepPicture picture;
    const auto& axes = sweep.axes();
    if (axes.empty())
        return picture;
    const SimulatedFigure& drawn = simulatedFigures()[static_cast<std::size_t>(figure)];
    const std::vector<double> places = placesOf(axes[0], picture.names);
    const std::size_t lines = axes.size() > 1 ? axes[1].values.size() : 1;
    picture.lines.resize(lines);
    for (std::size_t line = 0; line < lines && axes.size() > 1; ++line)
        picture.lines[line].name = QString::fromStdString(axes[1].values[line]);
    for (std::size_t i = 0; i < sweep.points().size(); ++i) {
        const SweptPoint& point = sweep.points()[i];
        SweepPicture::Line& line = picture.lines[axes.size() > 1 ? indexOf(axes[1].values, point.values[1]) : 0];
        line.points.push_back(static_cast<int>(i));
        line.x.push_back(places[indexOf(axes[0].values, point.values[0])]);
        line.y.push_back(orNone(drawn.of(point.figures)));
        if (figure == kHitRateFigure)
            line.bound.push_back(orNone(point.figures.optimumHitRate()));
    }
    for (SweepPicture::Line& line : picture.lines)
        sortByX(line);
    picture.recorded = orNone(drawn.of(sweep.recorded()));
    setRanges(picture, places, drawn.kind == SimulatedFigure::Kind::Share || drawn.kind == SimulatedFigure::Kind::Percent);
    return picture;
}

SweepSpot steppedSpot(const SweepPicture& picture, SweepSpot from, int dx, int dy) {
    const auto count = [&](int line) { return static_cast<int>(picture.lines[static_cast<std::size_t>(line)].x.size()); };
    const int lines = static_cast<int>(picture.lines.size());
    if (!from.valid()) {
        for (int line = 0; line < lines; ++line)
            if (count(line) > 0)
                return {line, 0};
        return {};
    }
    const int line = std::clamp(from.line + dy, 0, lines - 1);
    if (count(line) == 0)
        return from;
    return {line, std::clamp(from.place + dx, 0, count(line) - 1)};
}

SweepSpot spotOf(const SweepPicture& picture, int point) {
    for (std::size_t line = 0; line < picture.lines.size(); ++line) {
        const auto& points = picture.lines[line].points;
        if (const auto found = std::find(points.begin(), points.end(), point); found != points.end())
            return {static_cast<int>(line), static_cast<int>(found - points.begin())};
    }
    return {};
}

} // namespace moescope::ui

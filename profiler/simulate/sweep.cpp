#include "profiler/simulate/sweep.h"

#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace moescope::simulate {
namespace {

[[noreturn]] void refuse(std::string_view text) {
    throw std::invalid_argument(fmt::format("The sweep '{}' cannot be; it is a setting with from:to:step, as in "
                                            "cache-experts=8:64:8, or with values, as in cache=lru,lfu.",
                                            text));
}

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = text.find(at);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

double numberOf(std::string_view text, std::string_view whole) {
    double number = 0;
    const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || stop != text.data() + text.size() || !std::isfinite(number))
        refuse(whole);
    return number;
}

void checkCount(double points) {
    if (!(points <= static_cast<double>(kMostPoints)))
        throw std::invalid_argument(fmt::format("The sweep has more than {} points.", kMostPoints));
}

std::vector<std::string> rangeOf(std::string_view range, std::string_view whole) {
    const auto parts = split(range, ':');
    if (parts.size() != 3)
        refuse(whole);
    const double from = numberOf(parts[0], whole);
    const double to = numberOf(parts[1], whole);
    const double step = numberOf(parts[2], whole);
    if (!(step > 0) || to < from)
        refuse(whole);
    constexpr double kRounding = 1e-9; // 0.1 + 0.2 may just miss 0.3
    const double count = std::floor((to - from) / step + kRounding) + 1;
    checkCount(count);
    std::vector<std::string> values;
    values.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < static_cast<int>(count); ++i)
        values.push_back(fmt::format("{:.10g}", from + i * step));
    return values;
}

} // namespace

SweepAxis parseSweep(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals + 1 == text.size())
        refuse(text);
    SweepAxis axis{std::string(text.substr(0, equals)), {}};
    const std::string_view values = text.substr(equals + 1);
    if (values.find(':') != std::string_view::npos)
        axis.values = rangeOf(values, text);
    else
        for (const std::string_view value : split(values, ','))
            axis.values.emplace_back(value);
    checkCount(static_cast<double>(axis.values.size()));
    Scenario scratch;
    for (const std::string& value : axis.values)
        scratch.set(axis.setting, value);
    return axis;
}

Scenario scenarioAt(const Scenario& scenario, const std::vector<SweepAxis>& axes, const std::vector<std::string>& values) {
    Scenario here = scenario;
    for (std::size_t i = 0; i < axes.size() && i < values.size(); ++i)
        here.set(axes[i].setting, values[i]);
    return here;
}

std::vector<SweepPoint> sweep(const Simulator& simulator, const Scenario& scenario, const std::vector<SweepAxis>& axes,
                              const Progress& progress, const PointDone& done) {
    double count = 1;
    for (const SweepAxis& axis : axes)
        count *= static_cast<double>(axis.values.size());
    checkCount(count);
    std::vector<SweepPoint> points;
    for (std::size_t number = 0; number < static_cast<std::size_t>(count); ++number) {
        SweepPoint point;
        std::size_t rest = number;
        for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
            point.values.insert(point.values.begin(), axis->values[rest % axis->values.size()]);
            rest /= axis->values.size();
        }
        point.figures = simulator.estimate(scenarioAt(scenario, axes, point.values), [&](double share) {
            return !progress || progress((static_cast<double>(number) + share) / count);
        });
        if (done)
            done(point);
        points.push_back(std::move(point));
    }
    return points;
}

} // namespace moescope::simulate

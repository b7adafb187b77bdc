#include "ui/timeline/timeline_geometry.h"

#include <algorithm>
#include <cmath>

namespace moescope::ui {
namespace {
constexpr double kTallestBar = 18;
constexpr double kBarShare = 0.66;
constexpr double kEdgeAt = 0.94;
constexpr trace::TimeNs kShortestFollow = 50'000'000;
} // namespace

std::vector<DrawnBar> drawnBars(std::span<const session::LaneBar> bars, const TimeScale& scale, double minPixels) {
    std::vector<DrawnBar> drawn;
    const auto end = static_cast<trace::TimeNs>(scale.end);
    auto bar = std::partition_point(bars.begin(), bars.end(),
                                    [&](const session::LaneBar& b) { return static_cast<double>(b.end) <= scale.begin; });
    trace::TimeNs runBegin = 0, runEnd = 0, busy = 0, longestBusy = 0;
    for (; bar != bars.end() && bar->begin < end; ++bar) {
        const double left = scale.x(bar->begin);
        const double right = std::max(scale.x(bar->end), left + minPixels);
        const auto index = static_cast<std::size_t>(bar - bars.begin());
        const bool narrow = scale.x(bar->end) - left < minPixels;
        if (narrow && !drawn.empty() && drawn.back().right - drawn.back().left < 4 * minPixels && left < drawn.back().right) {
            DrawnBar& run = drawn.back();
            run.right = std::max(run.right, right);
            run.count += bar->count;
            busy += bar->busyNs;
            runEnd = std::max(runEnd, bar->end);
            if (bar->busyNs > longestBusy) {
                longestBusy = bar->busyNs;
                run.longest = index;
                run.colourKey = bar->colourKey;
            }
            const double width = std::max((run.right - run.left) / scale.perNs(), static_cast<double>(runEnd - runBegin));
            run.coverage = std::clamp(static_cast<double>(busy) / width, 0.0, 1.0);
            continue;
        }
        runBegin = bar->begin;
        runEnd = bar->end;
        busy = longestBusy = bar->busyNs;
        const double width = std::max((right - left) / scale.perNs(), 1.0);
        drawn.push_back(
            {left, right, std::clamp(static_cast<double>(busy) / width, 0.0, 1.0), bar->colourKey, bar->count, index, index});
    }
    return drawn;
}

int barAt(std::span<const session::LaneBar> bars, trace::TimeNs time, trace::TimeNs tolerance) {
    const auto after =
        std::partition_point(bars.begin(), bars.end(), [&](const session::LaneBar& b) { return b.begin <= time; });
    int best = -1;
    trace::TimeNs distance = tolerance + 1;
    const auto consider = [&](std::ptrdiff_t index) {
        if (index < 0 || index >= static_cast<std::ptrdiff_t>(bars.size()))
            return;
        const session::LaneBar& bar = bars[static_cast<std::size_t>(index)];
        const trace::TimeNs away = time < bar.begin ? bar.begin - time : time > bar.end ? time - bar.end : 0;
        if (away < distance) {
            distance = away;
            best = static_cast<int>(index);
        }
    };
    const std::ptrdiff_t next = after - bars.begin();
    consider(next - 1);
    consider(next - 2);
    consider(next);
    return best;
}

QRectF LaneStack::row(std::size_t index) const {
    const double height = m_area.height() / static_cast<double>(std::max<std::size_t>(1, m_lanes.size()));
    return {m_area.left(), m_area.top() + height * static_cast<double>(index), m_area.width(), height};
}

QRectF LaneStack::bars(std::size_t index) const {
    const QRectF box = row(index);
    const double height = std::min(kTallestBar, std::max(2.0, std::floor(box.height() * kBarShare)));
    return {box.left(), std::floor(box.center().y() - height / 2), box.width(), height};
}

int LaneStack::at(double y) const {
    if (m_lanes.empty() || y < m_area.top() || y >= m_area.bottom())
        return -1;
    const auto index = static_cast<int>((y - m_area.top()) / (m_area.height() / static_cast<double>(m_lanes.size())));
    return std::min(index, static_cast<int>(m_lanes.size()) - 1);
}

TimeSpan followed(trace::TimeNs edge, trace::TimeNs width) {
    const auto before = static_cast<trace::TimeNs>(static_cast<double>(width) * kEdgeAt);
    const trace::TimeNs begin = std::max<trace::TimeNs>(0, edge - before);
    return {begin, begin + width};
}

TimeSpan revealed(const TimeSpan& view, const TimeSpan& wanted) {
    if (wanted.begin >= view.begin && wanted.end <= view.end)
        return view;
    const trace::TimeNs width = std::max(view.size(), wanted.size() + wanted.size() / 4);
    const trace::TimeNs middle = wanted.begin + wanted.size() / 2;
    const trace::TimeNs begin = std::max<trace::TimeNs>(0, middle - width / 2);
    return {begin, begin + width};
}

trace::TimeNs followWidth(trace::TimeNs edge, trace::TimeNs wanted) {
    const auto whole = static_cast<trace::TimeNs>(static_cast<double>(edge) / kEdgeAt);
    return std::clamp(whole, std::min(kShortestFollow, wanted), wanted);
}

double roundTickStep(double rangeMs, int ticks) {
    const double wanted = rangeMs / std::max(1, ticks);
    const double decade = std::pow(10, std::floor(std::log10(wanted)));
    for (const double factor : {1.0, 2.0, 5.0})
        if (factor * decade >= wanted * 0.999)
            return factor * decade;
    return 10 * decade;
}

int tickDecimals(double stepMs) {
    return stepMs <= 0 || stepMs >= 1 ? 0 : std::min(6, static_cast<int>(std::ceil(-std::log10(stepMs) - 1e-9)));
}

} // namespace moescope::ui

#pragma once
#include "ui/plot/canvas.h"
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/theme.h"
#include "ui/timeline/timeline_model.h"

namespace moescope::ui {

/// What all parts of the timeline paint from. Owned by TimelineView.
struct TimelineScene {
    static constexpr int kLeft = 92; ///< pixels for the lanes' names
    static constexpr int kRight = 22;
    analysis::SnapshotPtr snapshot;
    TimelineWindowPtr window;
    std::vector<session::Lane> lanes;
    std::vector<TimelineMarker> markers;
    std::optional<TimeSpan> range;   ///< chosen, or being dragged
    std::optional<TimeSpan> hovered; ///< pass under the pointer
    std::optional<TimeSpan> chosen;  ///< pass of the chosen token
    std::optional<double> limit;     ///< bytes per second of the emulated link
    std::optional<double> fastest;   ///< bytes per second that large copies of the device reached: the link's measured limit
    bool live = false;
};

/// The time axis of a strip, from its key axis in milliseconds.
inline TimeScale scaleOf(const Canvas& canvas) {
    const QCPRange range = canvas.keyAxis()->range();
    return {range.lower * 1e6, range.upper * 1e6, canvas.area().left(), canvas.area().right()};
}

} // namespace moescope::ui

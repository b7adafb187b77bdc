#pragma once
#include "ui/plot/canvas.h"
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/theme.h"
#include "ui/timeline/timeline_geometry.h"

namespace moescope::ui {

/// What all parts of the timeline paint from. Owned by TimelineView.
struct TimelineScene {
    analysis::SnapshotPtr snapshot;
    TimelineWindowPtr window;
    std::vector<session::Lane> lanes;
    std::optional<TimeSpan> range;   ///< chosen, or being dragged
    std::optional<TimeSpan> hovered; ///< pass under the pointer
    std::optional<TimeSpan> chosen;  ///< pass of the chosen token
    std::optional<double> limit;     ///< bytes per second of the emulated link
    bool live = false;
};

/// Lanes of bars with names, token texts, setting markers and the band that is not delivered yet.
class LanesCanvas final : public Canvas {
public:
    LanesCanvas(QCPAxisRect* rect, const TimelineScene& scene, const Theme& theme);
    LaneStack stack() const { return {area(), m_scene.lanes}; }
    TimeScale scale() const;
    QColor colour(session::Lane lane, std::int32_t colourKey) const;

protected:
    void paint(QCPPainter& painter) override;

private:
    void paintFrame(QCPPainter& painter, const LaneStack& stack);
    void paintTokens(QCPPainter& painter, const QRectF& row, const std::vector<session::LaneBar>& bars);
    void paintTokenLabel(QCPPainter& painter, const QRectF& box, const session::LaneBar& bar);
    void paintKernelName(QCPPainter& painter, const QRectF& box, std::int32_t kernel);
    void paintLane(QCPPainter& painter, const QRectF& row, const TimelineWindow::LaneBars& lane);
    void paintUndelivered(QCPPainter& painter);
    void paintGaps(QCPPainter& painter);
    void paintMarkers(QCPPainter& painter);

    const TimelineScene& m_scene;
    const Theme& m_theme;
};

/// Bytes per second over the link, with its limit as a named line.
class LinkCanvas final : public Canvas {
public:
    LinkCanvas(QCPAxisRect* rect, const TimelineScene& scene, const Theme& theme);
    /// Bytes per second of the bucket at that time, split {demand, prefetch, allocation}; nothing outside.
    std::optional<std::array<double, 3>> rateAt(trace::TimeNs time) const;

protected:
    void paint(QCPPainter& painter) override;

private:
    double top() const;
    void paintArea(QCPPainter& painter, double top);
    void paintLine(QCPPainter& painter, double value, double top, const QString& name, bool below);

    const TimelineScene& m_scene;
    const Theme& m_theme;
};

/// Range, hovered and chosen token, cursor. On the overlay layer, once per strip.
class FocusCanvas final : public Canvas {
public:
    FocusCanvas(QCPAxisRect* rect, const TimelineScene& scene, const Theme& theme);

protected:
    void paint(QCPPainter& painter) override;

private:
    void band(QCPPainter& painter, const TimeSpan& span, const QColor& colour, int alpha, bool edges);
    const TimelineScene& m_scene;
    const Theme& m_theme;
};

/// The timeline on a QCustomPlot: lanes above, throughput below, one time axis in milliseconds. The plot owns the parts.
class TimelineView {
public:
    TimelineView(QCustomPlot& plot, const Theme& theme);

    TimelineScene& scene() { return m_scene; }
    const LanesCanvas& lanes() const { return *m_lanes; }
    const LinkCanvas& link() const { return *m_link; }
    QCPAxis& timeAxis() const { return *m_link->keyAxis(); }
    TimeSpan view() const;
    void setView(const TimeSpan& view);
    QRectF linkArea() const { return m_link->area(); }

private:
    TimelineScene m_scene;
    LanesCanvas* m_lanes = nullptr;
    LinkCanvas* m_link = nullptr;
};

} // namespace moescope::ui

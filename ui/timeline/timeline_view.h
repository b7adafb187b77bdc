#pragma once
#include "ui/timeline/link_canvas.h"

namespace moescope::ui {

/// Lanes of bars with names, token texts, setting markers and the band that is not delivered yet.
class LanesCanvas final : public Canvas {
public:
    LanesCanvas(QCPAxisRect* rect, const TimelineScene& scene, const Theme& theme);
    LaneStack stack() const { return {area(), m_scene.lanes}; }
    TimeScale scale() const;
    QColor colour(session::Lane lane, std::int32_t colourKey) const;
    /// Of the scene's markers, the one whose flag or words are under the pixel; null outside the band above the lanes.
    const TimelineMarker* markerAt(const QPointF& at) const;

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
    void paintLaneName(QCPPainter& painter, const QRectF& row, session::Lane lane);

    struct Flag {
        std::size_t marker = 0;
        double x = 0;
        QString words; ///< empty where there is room for the flag only
        QRectF box;
    };
    std::vector<Flag> flags() const;
    QColor markerInk(TimelineMarker::Kind kind) const;

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

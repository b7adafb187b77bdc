#pragma once
#include "ui/timeline/timeline_scene.h"

namespace moescope::ui {

/// Bytes per second over the link, with its limit as a named line.
class LinkCanvas final : public Canvas {
public:
    LinkCanvas(QCPAxisRect* rect, const TimelineScene& scene, const Theme& theme);
    /// Bytes per second of the bucket at that time, split {demand, prefetch, allocation}, as the engine tells it; nothing
    /// outside.
    std::optional<std::array<double, 3>> rateAt(trace::TimeNs time) const;
    /// The same as the device tells it; nothing where it was not recorded.
    std::optional<double> measuredRateAt(trace::TimeNs time) const;
    /// Whose figures the curve shows: "engine", "GPU copies", "GPU counters".
    static QString sourceName(TimelineWindow::LinkSource source);

protected:
    void paint(QCPPainter& painter) override;

private:
    using Buckets = std::vector<session::SessionReader::LinkBucket>;
    const Buckets& shown() const;
    double top() const;
    void paintLimits(QCPPainter& painter, double top);
    void paintArea(QCPPainter& painter, double top);
    void paintLine(QCPPainter& painter, double value, double top, const QString& name, bool below);

    const TimelineScene& m_scene;
    const Theme& m_theme;
};

} // namespace moescope::ui

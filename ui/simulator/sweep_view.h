#pragma once
#include "ui/plot/canvas.h"
#include "ui/plot/legend_row.h"
#include "ui/simulator/sweep_geometry.h"
#include "ui/theme.h"

namespace moescope::ui {

/// A sweep's lines and points, the Belady bound as dashed lines, the recording as a named level.
class SweepLines final : public Canvas {
public:
    SweepLines(QCPAxisRect* rect, const SweepPicture& picture, const Theme& theme);
    QPointF pixelOf(const SweepSpot& spot) const;
    bool drawn(const SweepSpot& spot) const; ///< its figure is defined
    QPointF pixelOf(double x, double y) const;
    QColor colourOf(std::size_t line) const;

protected:
    void paint(QCPPainter& painter) override;

private:
    void paintLine(QCPPainter& painter, std::size_t line) const;
    void paintRecorded(QCPPainter& painter) const;
    void paintNames(QCPPainter& painter) const;

    const SweepPicture& m_picture;
    const Theme& m_theme;
};

/// Hovered and chosen points, and the range being dragged. On the overlay layer.
class SweepFocus final : public Canvas {
public:
    SweepFocus(QCPAxisRect* rect, const SweepLines& lines, const Theme& theme);
    /// True if something changed.
    bool setSpots(const SweepSpot& hovered, const SweepSpot& chosen);
    void setRange(std::optional<QCPRange> range) { m_range = range; }

protected:
    void paint(QCPPainter& painter) override;

private:
    const SweepLines& m_lines;
    const Theme& m_theme;
    SweepSpot m_hovered;
    SweepSpot m_chosen;
    std::optional<QCPRange> m_range;
};

/// A sweep on a QCustomPlot: figure over setting. The plot owns the parts.
class SweepView {
public:
    SweepView(QCustomPlot& plot, const Theme& theme);

    /// Draws the picture; the ranges stay where the user has put them unless `fit`.
    void show(SweepPicture picture, const QString& xTitle, const QString& yTitle, const QString& lineTitle, bool approximate,
              bool fit);
    const SweepPicture& picture() const { return m_picture; }
    const SweepLines& lines() const { return *m_lines; }
    SweepFocus& focus() { return *m_focus; }
    QCPAxis& xAxis() const { return *m_lines->keyAxis(); }
    QCPAxis& yAxis() const { return *m_lines->valueAxis(); }
    void fit();
    void restyle();

private:
    void setTicks();
    void setLegend();

    const Theme& m_theme;
    SweepPicture m_picture;
    QString m_lineTitle;
    bool m_approximate = false;
    SweepLines* m_lines = nullptr;
    SweepFocus* m_focus = nullptr;
    LegendRow* m_legend = nullptr;
};

} // namespace moescope::ui

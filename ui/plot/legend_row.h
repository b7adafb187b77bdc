#pragma once
#include "ui/theme.h"

#include "ui/plot/custom_plot.h"

namespace moescope::ui {

enum class Swatch : std::uint8_t { Box, Hatched, Dotted, Frame, Line, Dashed };

struct LegendEntry {
    QString text;
    QColor colour;
    Swatch swatch = Swatch::Box;
};

/// One line of swatches with words inside the plot, so that exported pictures have it too. Entries that do not fit are
/// left out from the end. Owned by the plot's layout.
class LegendRow final : public QCPLayoutElement {
public:
    LegendRow(QCustomPlot& plot, const Theme& theme, Qt::Alignment alignment, int height = 20);
    void setEntries(std::vector<LegendEntry> entries) { m_entries = std::move(entries); }

protected:
    void draw(QCPPainter* painter) override;

private:
    const Theme& m_theme;
    Qt::Alignment m_alignment;
    std::vector<LegendEntry> m_entries;
};

/// Viridis from zero to a maximum, upright, with both ends named.
class HeatLegend final : public QCPLayoutElement {
public:
    HeatLegend(QCustomPlot& plot, const Theme& theme, int width);
    void setEnds(const QString& top, const QString& bottom);

protected:
    void draw(QCPPainter* painter) override;

private:
    const Theme& m_theme;
    QString m_top;
    QString m_bottom;
};

} // namespace moescope::ui

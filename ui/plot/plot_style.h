#pragma once
#include "ui/theme.h"

#include "ui/plot/custom_plot.h"

namespace moescope::ui {

/// Gives a plot and every axis on it the theme's surfaces, lines and fonts.
void stylePlot(QCustomPlot& plot, const Theme& theme);
void styleAxis(QCPAxis& axis, const Theme& theme);
/// No line, no ticks, labels only: for heatmaps and lanes.
void bareAxis(QCPAxis& axis);

} // namespace moescope::ui

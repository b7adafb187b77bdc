#pragma once
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace moescope::app {

struct PlotSeries {
    std::string title;
    std::vector<std::pair<double, double>> points;
};
struct PlotMark {
    std::string title;
    double y = 0;
};

/// A picture for a report. With bar names the series are clustered bars, point i of a series over name i; else lines.
struct Plot {
    std::string stem; ///< file name without extension
    std::string title, xLabel, yLabel;
    std::vector<PlotSeries> series;
    std::vector<std::string> barNames;
    std::vector<PlotMark> marks; ///< horizontal lines
};

/// A script for gnuplot, data and all, that writes stem.png into the folder that it runs in.
std::string gnuplotScript(const Plot& plot);

/// Writes stem.gp for each plot and lets gnuplot draw it. False if there is no gnuplot, or it failed: the scripts are there all
/// the same. Throws std::runtime_error with one sentence when a script cannot be written.
bool drawPlots(const std::filesystem::path& folder, const std::vector<Plot>& plots);

} // namespace moescope::app

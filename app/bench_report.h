#pragma once
#include "app/bench_figures.h"

namespace moescope::app {

/// The report in Markdown. drawn: the pictures are there; otherwise the report says that only their scripts are.
std::string benchReport(const BenchFigures& figures, bool drawn);
/// The pictures that it shows.
std::vector<Plot> benchPlots(const BenchFigures& figures);

} // namespace moescope::app

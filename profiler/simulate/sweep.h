#pragma once
#include "profiler/simulate/simulate.h"

namespace moescope::simulate {

/// One setting and the values that it goes through.
struct SweepAxis {
    std::string setting;
    std::vector<std::string> values;
};
/// "cache-experts=8:64:8" (from, to, step; whole or real numbers) or "cache=lru,lfu,belady". Throws std::invalid_argument with
/// one sentence when it is neither, a value is not allowed, or there are more than kMostPoints.
SweepAxis parseSweep(std::string_view text);
inline constexpr std::size_t kMostPoints = 10'000;

struct SweepPoint {
    std::vector<std::string> values; ///< one per axis
    Figures figures;
};

/// The scenario with one value of each axis; an axis goes before what the scenario says of its setting.
Scenario scenarioAt(const Scenario& scenario, const std::vector<SweepAxis>& axes, const std::vector<std::string>& values);

/// Called with each point as it is done, in order. May be empty.
using PointDone = std::function<void(const SweepPoint& point)>;

/// Simulates every combination of the axes' values, the last axis fastest. Throws std::invalid_argument beyond kMostPoints, one
/// sentence when a point cannot be simulated, or Cancelled.
std::vector<SweepPoint> sweep(const Simulator& simulator, const Scenario& scenario, const std::vector<SweepAxis>& axes,
                              const Progress& progress = {}, const PointDone& done = {});

} // namespace moescope::simulate

#pragma once
#include "profiler/simulate/figures.h"

#include <QString>
#include <QVariant>
#include <span>

namespace moescope::ui {

/// One figure of a simulation: how it is called, shown and explained.
struct SimulatedFigure {
    enum class Kind { Share, Count, Real, Megabytes, Milliseconds, Rate, Percent };
    QString name;
    QString axis; ///< quantity and unit, for a plot
    QString meaning;
    Kind kind;
    double (*of)(const simulate::Figures&); ///< negative where it is not defined

    QString text(const simulate::Figures& figures) const;
    QString textOf(double value) const;
    /// Signed difference of two values, "–" where one is not defined.
    QString change(double before, double after) const;
    /// Unrounded; invalid where it is not defined.
    QVariant raw(double value) const;
};

/// In the order of the tables. Every hit rate is followed by the optimum.
std::span<const SimulatedFigure> simulatedFigures();
/// Indexes into simulatedFigures() of what a sweep can be drawn over, the hit rate first.
std::span<const int> plottedFigures();
inline constexpr int kHitRateFigure = 0;
inline constexpr int kOptimumFigure = 1;

} // namespace moescope::ui

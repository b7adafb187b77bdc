#include "ui/simulator/simulated_figures.h"

#include "ui/format.h"
#include "ui/words.h"

#include <QCoreApplication>
#include <array>
#include <cmath>

namespace moescope::ui {
namespace {

using simulate::Figures;
using Kind = SimulatedFigure::Kind;

const QString kUndefined = QStringLiteral("–");

double real(std::int64_t count) {
    return static_cast<double>(count);
}

std::array<SimulatedFigure, 14> makeFigures() {
    return {{
        {words("hit rate"), words("hit rate"), words("Experts resident when asked for / experts asked for"), Kind::Share,
         [](const Figures& f) { return f.hitRate(); }},
        {words("offline optimum"), words("offline optimum"),
         words("Belady's bound for the same askings and slots, without prefetch; it may let an expert pass by the cache, "
               "which the eviction belady may not"),
         Kind::Share, [](const Figures& f) { return f.optimumHitRate(); }},
        {words("hits"), words("hits"), words("Experts that were resident when asked for"), Kind::Count,
         [](const Figures& f) { return real(f.hits); }},
        {words("misses"), words("misses"), words("Experts that had to be fetched when asked for"), Kind::Count,
         [](const Figures& f) { return real(f.misses); }},
        {words("evictions"), words("evictions"), words("Experts that lost their slot"), Kind::Count,
         [](const Figures& f) { return real(f.evictions); }},
        {words("moved per token"), words("MB per token"), words("10⁶ bytes over the link per decoded token"), Kind::Megabytes,
         [](const Figures& f) { return f.mbPerToken(); }},
        {words("time per token"), words("ms per token"),
         words("Mean from one token of an answer to the next: compute as recorded, copies by a model of the link"),
         Kind::Milliseconds, [](const Figures& f) { return f.msPerToken(); }},
        {words("exposed stall per token"), words("stall, ms per token"),
         words("Time that compute waited for experts, per decoded token"), Kind::Milliseconds,
         [](const Figures& f) { return f.stallMsPerToken(); }},
        {words("tokens per second"), words("tokens per second"), words("1 / time per token"), Kind::Rate,
         [](const Figures& f) { return f.tokensPerSecond(); }},
        {words("experts per token and layer"), words("experts per token and layer"),
         words("Experts that ran, mean over decoded tokens and layers"), Kind::Real,
         [](const Figures& f) { return f.decodeMeanExperts(); }},
        {words("single-expert share"), words("single-expert share"),
         words("Decode decisions that ran one expert though there were more candidates"), Kind::Percent,
         [](const Figures& f) { return f.singleShare(); }},
        {words("prefetches"), words("prefetches"), words("Experts fetched on a guess"), Kind::Count,
         [](const Figures& f) { return real(f.prefetchIssued); }},
        {words("prefetch precision"), words("prefetch precision"),
         words("Of the prefetched experts, the share used before eviction"), Kind::Percent,
         [](const Figures& f) { return f.prefetchPrecision(); }},
        {words("tokens"), words("tokens"), words("Tokens generated; a simulation changes none"), Kind::Count,
         [](const Figures& f) { return real(f.tokens); }},
    }};
}

} // namespace

QString SimulatedFigure::textOf(double value) const {
    if (value < 0 && (kind == Kind::Share || kind == Kind::Percent))
        return kUndefined;
    switch (kind) {
    case Kind::Share:
        return QString::number(value, 'f', 3);
    case Kind::Count:
        return format::count(std::llround(value));
    case Kind::Real:
        return QString::number(value, 'f', 2);
    case Kind::Megabytes:
        return format::megabytes(value);
    case Kind::Milliseconds:
        return format::milliseconds(value);
    case Kind::Rate:
        return format::rate(value);
    case Kind::Percent:
        return QString::number(100 * value, 'f', 1) + QStringLiteral(" %");
    }
    return {};
}

QString SimulatedFigure::text(const Figures& figures) const {
    return textOf(of(figures));
}

QString SimulatedFigure::change(double before, double after) const {
    if (before < 0 || after < 0)
        return kUndefined;
    const double by = after - before;
    const QString size =
        kind == Kind::Percent ? QString::number(100 * std::abs(by), 'f', 1) + words(" points") : textOf(std::abs(by));
    if (by == 0)
        return QStringLiteral("±0");
    return (by > 0 ? QStringLiteral("+") : QStringLiteral("−")) + size;
}

QVariant SimulatedFigure::raw(double value) const {
    if (value < 0)
        return {};
    return kind == Kind::Count ? QVariant(static_cast<qlonglong>(std::llround(value))) : QVariant(value);
}

std::span<const SimulatedFigure> simulatedFigures() {
    static const std::array<SimulatedFigure, 14> kFigures = makeFigures();
    return kFigures;
}

std::span<const int> plottedFigures() {
    static constexpr std::array<int, 8> kPlotted{kHitRateFigure, 6, 5, 7, 8, 3, 9, 10};
    return kPlotted;
}

} // namespace moescope::ui

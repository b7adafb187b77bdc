#include "app/bench_report.h"

#include "app/run_quantile.h"

#include <algorithm>
#include <fmt/format.h>

namespace moescope::app {

namespace {

std::string row(const std::vector<std::string>& cells) {
    std::string text = "|";
    for (const std::string& cell : cells)
        text += " " + cell + " |";
    return text + "\n";
}

std::string head(const std::vector<std::string>& cells) {
    std::string text = row(cells) + "|";
    for (std::size_t i = 0; i < cells.size(); ++i)
        text += "---|";
    return text + "\n";
}

std::string percent(double share) {
    return share < 0 ? "–" : fmt::format("{:.1f} %", 100 * share);
}

std::string conditions(const BenchFigures& figures) {
    std::string text = "## Conditions\n" + head({"what", "value"});
    for (const auto& [name, value] : figures.conditions)
        text += row({name, value});
    return text + "\n";
}

std::string targets(const BenchFigures& figures) {
    std::string text = "## Aims\n" + head({"what", "aim", "measured", "reached"});
    for (const BenchTarget& target : benchTargets(figures))
        text += row({target.what, target.wanted, target.known ? target.got : "not measured in this run",
                     !target.known    ? "–"
                     : target.reached ? "yes"
                                      : "no"});
    return text + "\n";
}

std::string ablation(const BenchFigures& figures) {
    std::string text =
        "## Ablation\nBase is LRU, the whole top-k, no prefetch, uniform slots. Speed is relative to base, question by "
        "question, as median "
        "(quartiles); *bound* is what base would be if no copy were ever waited for. A single-expert share is not the cut "
        "in executions: both are given. Links are emulated.\n\n";
    for (const auto& cells : figures.ablation) {
        if (cells.empty())
            continue;
        const AblationCell& base = cells.front();
        const double baseRate = quantile(base.tokensPerSecond, 0.5);
        const double stall = base.summary.stallMsPerToken * baseRate / 1e3;
        const double layerUs = baseRate > 0 ? 1e6 * (1 - stall) / baseRate / std::max(1, figures.layers) : 0;
        const double copyUs = base.summary.linkBytesPerSecond > 0
                                  ? 1e6 * static_cast<double>(figures.expertBytes) / base.summary.linkBytesPerSecond
                                  : 0;
        text += fmt::format(
            "### {} of {} experts cached, link {}\nA copy takes {:.0f} µs, a layer computes for {:.0f} µs; base waits for "
            "copies {} of its time: bound {:.2f} x.\n\n",
            base.cacheExperts, figures.slots, base.link, copyUs, layerUs, percent(stall), stall < 1 ? 1 / (1 - stall) : 0.0);
        text += head({"cell", "speed", "tok/s", "experts", "single share", "fewer executions", "hit rate", "optimum",
                      "MB per token", "stall ms per token", "recall", "used guesses"});
        for (const AblationCell& cell : cells) {
            const SpeedUp ratio = speedUp(base.tokensPerSecond, cell.tokensPerSecond);
            const analysis::Summary& s = cell.summary;
            text += row({cell.parts.name, fmt::format("**{:.2f}** ({:.2f}–{:.2f})", ratio.median, ratio.lower, ratio.upper),
                         fmt::format("{:.0f}", quantile(cell.tokensPerSecond, 0.5)),
                         fmt::format("{:.3f}", s.meanExpertsPerTokenLayer), percent(s.singleExpertShare),
                         percent(1 - s.meanExpertsPerTokenLayer / figures.topK), percent(s.hitRate), percent(s.optimumHitRate),
                         fmt::format("{:.2f}", s.mbPerToken), fmt::format("{:.3f}", s.stallMsPerToken),
                         percent(s.prefetchRecall), percent(s.prefetchPrecision)});
        }
        text += "\n";
    }
    return text;
}

std::string priceTable(const BenchFigures& figures, const std::vector<GatePrice>& prices, bool traffic) {
    std::vector<std::string> names{"gate",       "threshold", "experts",         "single share",      "fewer executions",
                                   "perplexity", "mean KL",   "99th percentile", "same first choice", "as quantisation goes"};
    if (traffic)
        names.insert(names.end(), {"MB per token", "hit rate"});
    std::string text = head(names);
    for (const GatePrice& price : prices) {
        const QualityResult& q = price.quality;
        std::vector<std::string> cells{
            price.gate,
            fmt::format("{:.4g}", price.threshold),
            fmt::format("{:.3f}", q.meanExpertsPerTokenLayer),
            percent(q.singleExpertShare),
            percent(q.executionsCut),
            fmt::format("{:+.2f} % ± {:.2f}", (q.perplexityRatio - 1) * 100, q.perplexityRatioError * 100),
            fmt::format("{:.5f} ± {:.5f}", q.meanKl, q.meanKlError),
            fmt::format("{:.3f} ± {:.3f}", q.p99Kl, q.p99KlError),
            fmt::format("{:.2f} % ± {:.2f}", q.equalTop1 * 100, q.equalTop1Error * 100),
            policy::lossInWords(q.meanKl, figures.quantisation)};
        if (traffic) {
            cells.push_back(fmt::format("{:.3f}", q.bytesPerToken / 1e6));
            cells.push_back(percent(q.hitRate));
        }
        text += row(cells);
    }
    return text + "\n";
}

std::string accuracy(const BenchFigures& figures) {
    std::string text = "## What gating costs\nTeacher-forced on the text; every token is gated, perplexity and KL against the "
                       "same file with the whole "
                       "top-k. Measured in prefill passes, which give the same bits as token by token for every rule that does "
                       "not look at the "
                       "cache.\n\n![](accuracy-perplexity.png) ![](accuracy-kl.png)\n\n";
    if (!figures.quantisation.empty()) {
        text += head({"format, against f16", "perplexity", "mean KL"});
        for (const policy::QuantisationLoss& loss : figures.quantisation)
            text += row(
                {loss.type, fmt::format("{:+.2f} %", (loss.perplexityRatio - 1) * 100), fmt::format("{:.5f}", loss.meanKl)});
        text += "\n";
    }
    text += priceTable(figures, figures.accuracy, false);
    text += "### Rules that look at the cache\nToken by token through the real cache, half of the experts in it, LRU, no "
            "prefetch, every window from a cold cache.\n\n![](residency.png)\n\n";
    return text + priceTable(figures, figures.residency, true);
}

std::string recall(const BenchFigures& figures) {
    std::string text =
        "## What the next layers' gates foresee\nShare of a layer's experts that its own gate names when it is given the gate "
        "input of an earlier layer; in brackets by gate weight.\n\n![](recall.png)\n\n";
    if (figures.recall.empty())
        return text;
    std::vector<std::string> names{"layers ahead"};
    for (std::size_t layer = 1; layer < figures.recall.front().size(); ++layer)
        names.push_back(fmt::format("layer {}", layer));
    text += head(names);
    for (std::size_t depth = 0; depth < figures.recall.size(); ++depth) {
        std::vector<std::string> cells{fmt::format("{}", depth + 1)};
        for (std::size_t layer = 1; layer < figures.recall.front().size(); ++layer) {
            const auto& layers = figures.recall[depth];
            const GuessCount count = layer < layers.size() ? layers[layer] : GuessCount{};
            cells.push_back(count.asked > 0 ? fmt::format("{:.1f} ({:.1f})", 100 * count.recall(), 100 * count.massRecall())
                                            : "–");
        }
        text += row(cells);
    }
    return text + "\n";
}

std::string cacheTable(const CacheTable& table) {
    std::vector<std::string> names{"slots"};
    names.insert(names.end(), table.columns.begin(), table.columns.end());
    std::string text = head(names);
    for (std::size_t i = 0; i < table.slots.size(); ++i) {
        std::vector<std::string> cells{fmt::format("{}", table.slots[i])};
        for (const double rate : table.hitRate[i])
            cells.push_back(percent(rate));
        text += row(cells);
    }
    return text + "\n";
}

std::string caches(const BenchFigures& figures) {
    return "## Eviction against the optimum\nHit rates; the base cell's session with half of the experts cached, simulated "
           "with other "
           "caches. `belady` looks into the future.\n\n![](hit-curves.png)\n\n" +
           cacheTable(figures.eviction) +
           "## Allocation against uniform and one global pool\nHit rates of LRU on the same session; `belady` with uniform "
           "slots.\n\n"
           "![](allocation.png)\n\n" +
           cacheTable(figures.allocation);
}

std::vector<PlotSeries> priceSeries(const std::vector<GatePrice>& prices, double QualityResult::*x, double xScale,
                                    double QualityResult::*y, double yScale, double yOffset) {
    std::vector<PlotSeries> series;
    for (const GatePrice& price : prices) {
        auto own = std::find_if(series.begin(), series.end(), [&](const PlotSeries& one) { return one.title == price.gate; });
        if (own == series.end())
            own = series.insert(series.end(), {price.gate, {}});
        own->points.emplace_back(price.quality.*x * xScale, (price.quality.*y - yOffset) * yScale);
    }
    for (PlotSeries& one : series)
        std::sort(one.points.begin(), one.points.end());
    return series;
}

Plot cachePlot(const char* stem, const char* title, const CacheTable& table) {
    Plot plot{
        .stem = stem, .title = title, .xLabel = "slots", .yLabel = "hit rate, %", .series = {}, .barNames = {}, .marks = {}};
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
        PlotSeries& series = plot.series.emplace_back(PlotSeries{table.columns[column], {}});
        for (std::size_t i = 0; i < table.slots.size(); ++i)
            series.points.emplace_back(table.slots[i], table.hitRate[i][column] * 100);
    }
    return plot;
}

Plot ablationPlot(const BenchFigures& figures) {
    Plot plot{.stem = "ablation",
              .title = "Speed against base, half of the experts cached, median",
              .xLabel = "",
              .yLabel = "x base",
              .series = {},
              .barNames = {},
              .marks = {}};
    for (const auto& cells : figures.ablation) {
        if (cells.empty() || cells.front().cacheExperts * 2 != figures.slots)
            continue;
        PlotSeries& series = plot.series.emplace_back(PlotSeries{cells.front().link, {}});
        plot.barNames.clear();
        for (const AblationCell& cell : cells) {
            plot.barNames.push_back(cell.parts.name);
            series.points.emplace_back(0, speedUp(cells.front().tokensPerSecond, cell.tokensPerSecond).median);
        }
    }
    return plot;
}

Plot recallPlot(const BenchFigures& figures) {
    Plot plot{.stem = "recall",
              .title = "Experts foreseen by the next layers' gates",
              .xLabel = "layer",
              .yLabel = "recall, %",
              .series = {},
              .barNames = {},
              .marks = {}};
    for (std::size_t depth = 0; depth < figures.recall.size(); ++depth) {
        PlotSeries& series = plot.series.emplace_back(PlotSeries{fmt::format("{} ahead", depth + 1), {}});
        for (std::size_t layer = 0; layer < figures.recall[depth].size(); ++layer)
            if (figures.recall[depth][layer].asked > 0)
                series.points.emplace_back(static_cast<double>(layer), figures.recall[depth][layer].recall() * 100);
    }
    return plot;
}

} // namespace

std::string benchReport(const BenchFigures& figures, bool drawn) {
    std::string text = "# AdapMoE bench\n\nWritten by `moescope-engine bench adapmoe`.\n\n";
    if (!drawn)
        text +=
            "gnuplot is not installed or failed, so the pictures are missing; their scripts (`*.gp`) are here, and draw them "
            "once it is (package gnuplot-nox).\n\n";
    return text + targets(figures) + conditions(figures) + "![](ablation.png)\n\n" + ablation(figures) + accuracy(figures) +
           recall(figures) + caches(figures);
}

std::vector<Plot> benchPlots(const BenchFigures& figures) {
    Plot perplexity{.stem = "accuracy-perplexity",
                    .title = "Perplexity against the whole top-k",
                    .xLabel = "experts per token and layer",
                    .yLabel = "%",
                    .series = priceSeries(figures.accuracy, &QualityResult::meanExpertsPerTokenLayer, 1,
                                          &QualityResult::perplexityRatio, 100, 1),
                    .barNames = {},
                    .marks = {}};
    Plot kl{.stem = "accuracy-kl",
            .title = "KL to the whole top-k",
            .xLabel = "experts per token and layer",
            .yLabel = "nats per token",
            .series = priceSeries(figures.accuracy, &QualityResult::meanExpertsPerTokenLayer, 1, &QualityResult::meanKl, 1, 0),
            .barNames = {},
            .marks = {}};
    for (const policy::QuantisationLoss& loss : figures.quantisation)
        kl.marks.push_back({loss.type + " against f16", loss.meanKl});
    Plot residency{.stem = "residency",
                   .title = "Bytes over the link against their price, half of the experts cached",
                   .xLabel = "KL, nats per token",
                   .yLabel = "MB per token",
                   .series = priceSeries(figures.residency, &QualityResult::meanKl, 1, &QualityResult::bytesPerToken, 1e-6, 0),
                   .barNames = {},
                   .marks = {}};
    return {ablationPlot(figures),
            perplexity,
            kl,
            residency,
            recallPlot(figures),
            cachePlot("hit-curves", "Eviction against the optimum", figures.eviction),
            cachePlot("allocation", "Allocation, LRU", figures.allocation)};
}

} // namespace moescope::app

#include "app/bench_figures.h"

#include "app/run_quantile.h"

#include <algorithm>
#include <fmt/format.h>

namespace moescope::app {

namespace {

using Points = std::vector<std::pair<double, double>>;

std::optional<double> onLine(Points points, double x) {
    std::sort(points.begin(), points.end());
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (points[i].first == x)
            return points[i].second;
        if (i > 0 && points[i - 1].first < x && x < points[i].first) {
            const double part = (x - points[i - 1].first) / (points[i].first - points[i - 1].first);
            return points[i - 1].second + part * (points[i].second - points[i - 1].second);
        }
    }
    return std::nullopt;
}

Points pointsOf(const std::vector<GatePrice>& prices, const std::string& gate, double QualityResult::*x,
                double QualityResult::*y) {
    Points points;
    for (const GatePrice& price : prices)
        if (price.gate == gate)
            points.emplace_back(price.quality.*x, price.quality.*y);
    return points;
}

constexpr double kFewer = 0.755; ///< of the top-k: 1.51 of 2 experts

/// The gate's measured point with the most experts that still are at most 1.51 of 2.
const GatePrice* priceNear(const BenchFigures& figures, const std::string& gate) {
    const GatePrice* best = nullptr;
    for (const GatePrice& price : figures.accuracy) {
        const double mean = price.quality.meanExpertsPerTokenLayer;
        if (price.gate == gate && mean <= kFewer * figures.topK && (!best || mean > best->quality.meanExpertsPerTokenLayer))
            best = &price;
    }
    return best;
}

BenchTarget priceTarget(const BenchFigures& figures, const std::string& gate, double mostPercent, double mostKl) {
    BenchTarget target{
        .what = fmt::format("{} at no more than {:.2f} experts per token and layer", gate, kFewer * figures.topK),
        .wanted = mostKl > 0 ? fmt::format("perplexity at most +{:.1f} %, mean KL at most {:.4f}", mostPercent, mostKl)
                             : fmt::format("perplexity at most +{:.1f} %", mostPercent),
        .got = {}};
    const GatePrice* price = priceNear(figures, gate);
    target.known = price != nullptr;
    if (!price)
        return target;
    const QualityResult& q = price->quality;
    target.got = fmt::format("{:.3f} experts: {:+.2f} % ± {:.2f}, KL {:.4f} ± {:.4f}", q.meanExpertsPerTokenLayer,
                             (q.perplexityRatio - 1) * 100, q.perplexityRatioError * 100, q.meanKl, q.meanKlError);
    target.reached = (q.perplexityRatio - 1) * 100 <= mostPercent && (mostKl <= 0 || q.meanKl <= mostKl);
    return target;
}

BenchTarget betterTarget(const BenchFigures& figures, const std::string& gate) {
    BenchTarget target{.what = gate + " against the other rules at equal experts",
                       .wanted = "lower KL than score, random and adapmoe-paper",
                       .got = {},
                       .reached = true};
    const double mean = 0.75 * figures.topK;
    const auto own = atMeanK(figures.accuracy, gate, mean, &QualityResult::meanKl);
    target.known = own.has_value();
    if (own)
        target.got = fmt::format("at {:.2f} experts {:.4f}", mean, *own);
    for (const char* other : {"score", "random", "adapmoe-paper"}) {
        const auto kl = atMeanK(figures.accuracy, other, mean, &QualityResult::meanKl);
        target.known = target.known && kl.has_value();
        if (!target.known)
            return target;
        target.got += fmt::format(", {} {:.4f}", other, *kl);
        target.reached = target.reached && *own < *kl;
    }
    return target;
}

BenchTarget residencyTarget(const BenchFigures& figures) {
    BenchTarget target{.what = "adapmoe-residency against adapmoe-pair at equal KL, half of the experts cached",
                       .wanted = "fewer bytes over the link",
                       .got = {}};
    // Where both were measured: the middle of the pair-wise rule's own points.
    std::vector<double> kls;
    for (const GatePrice& price : figures.residency)
        if (price.gate == "adapmoe-pair")
            kls.push_back(price.quality.meanKl);
    for (const double share : {0.5, 0.25, 0.75, 0.0, 1.0}) {
        const double kl = quantile(kls, share);
        const auto pair = atKl(figures.residency, "adapmoe-pair", kl, &QualityResult::bytesPerToken);
        const auto own = atKl(figures.residency, "adapmoe-residency", kl, &QualityResult::bytesPerToken);
        if (!pair || !own)
            continue;
        target.got = fmt::format("at KL {:.4f}: {:.2f} MB per token against {:.2f} ({:+.0f} %)", kl, *own / 1e6, *pair / 1e6,
                                 (*own / *pair - 1) * 100);
        target.reached = *own < *pair;
        return target;
    }
    target.known = false;
    return target;
}

BenchTarget speedTarget(const BenchFigures& figures) {
    BenchTarget target{.what = "all parts together against base, half of the experts cached",
                       .wanted = "at least 1.35 x on every link",
                       .got = {}};
    double least = 0;
    for (const auto& row : figures.ablation) {
        if (row.empty() || row.front().cacheExperts * 2 != figures.slots)
            continue;
        for (const AblationCell& cell : row)
            if (cell.parts.name == "all") {
                const SpeedUp ratio = speedUp(row.front().tokensPerSecond, cell.tokensPerSecond);
                least = least > 0 ? std::min(least, ratio.median) : ratio.median;
                target.got += fmt::format("{}{} {:.2f} x", target.got.empty() ? "" : ", ", cell.link, ratio.median);
            }
    }
    target.known = least > 0;
    target.reached = least >= 1.35;
    return target;
}

BenchTarget recallTarget(const BenchFigures& figures) {
    BenchTarget target{
        .what = "next-layer gate, mean recall over the layers after the first", .wanted = "at least 88 %", .got = {}};
    double sum = 0;
    int layers = 0;
    if (!figures.recall.empty())
        for (const GuessCount& count : figures.recall.front())
            if (count.asked > 0) {
                sum += count.recall();
                ++layers;
            }
    target.known = layers > 0;
    if (layers > 0)
        target.got = fmt::format("{:.1f} %", 100 * sum / layers);
    target.reached = layers > 0 && sum / layers >= 0.88;
    return target;
}

BenchTarget hitTarget(const BenchFigures& figures) {
    BenchTarget target{.what = "hit rate of the best causal eviction, half of the experts cached",
                       .wanted = "at least 90 % of the optimum",
                       .got = {},
                       .known = false};
    const CacheTable& table = figures.eviction;
    for (std::size_t row = 0; row < table.slots.size(); ++row) {
        if (table.slots[row] * 2 != figures.slots)
            continue;
        double best = 0;
        double optimum = 0;
        std::string name;
        for (std::size_t column = 0; column < table.columns.size(); ++column) {
            const double rate = table.hitRate[row][column];
            if (table.columns[column] == "belady")
                optimum = rate;
            else if (rate > best) {
                best = rate;
                name = table.columns[column];
            }
        }
        target.known = optimum > 0;
        target.got = fmt::format("{} {:.1f} % of {:.1f} %: {:.1f} %", name, 100 * best, 100 * optimum, 100 * best / optimum);
        target.reached = optimum > 0 && best >= 0.9 * optimum;
    }
    return target;
}

} // namespace

std::optional<double> atMeanK(const std::vector<GatePrice>& prices, const std::string& gate, double meanExperts,
                              double QualityResult::*value) {
    return onLine(pointsOf(prices, gate, &QualityResult::meanExpertsPerTokenLayer, value), meanExperts);
}

std::optional<double> atKl(const std::vector<GatePrice>& prices, const std::string& gate, double meanKl,
                           double QualityResult::*value) {
    return onLine(pointsOf(prices, gate, &QualityResult::meanKl, value), meanKl);
}

std::vector<BenchTarget> benchTargets(const BenchFigures& figures) {
    return {priceTarget(figures, "adapmoe-pair", 1.2, 0.0145),
            priceTarget(figures, "adapmoe", 1.6, 0),
            betterTarget(figures, "adapmoe-pair"),
            betterTarget(figures, "adapmoe"),
            residencyTarget(figures),
            speedTarget(figures),
            recallTarget(figures),
            hitTarget(figures)};
}

} // namespace moescope::app

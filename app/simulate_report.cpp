#include "app/simulate_report.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace moescope::app {
namespace {

using Json = nlohmann::ordered_json;
using simulate::Figures;

Json rate(double value) {
    return value < 0 ? Json() : Json(value);
}

/// Under the names of `report --json` where the figure is the same.
Json json(const Figures& figures) {
    return {{"tokens", figures.tokens},
            {"decisions", figures.decisions},
            {"mean_experts_per_decision", figures.meanExperts()},
            {"mean_experts_per_token_layer", figures.decodeMeanExperts()},
            {"single_expert_share", figures.singleShare()},
            {"hits", figures.hits},
            {"misses", figures.misses},
            {"hit_rate", rate(figures.hitRate())},
            {"optimum_hit_rate", rate(figures.optimumHitRate())},
            {"evictions", figures.evictions},
            {"bytes_demand", figures.bytesDemand},
            {"bytes_prefetch", figures.bytesPrefetch},
            {"bytes_allocation", figures.bytesAllocation},
            {"mb_per_token", figures.mbPerToken()},
            {"prefetch_issued", figures.prefetchIssued},
            {"prefetch_used", figures.prefetchUsed},
            {"prefetch_precision", rate(figures.prefetchPrecision())},
            {"stall_ms_per_token", figures.stallMsPerToken()},
            {"ms_per_token", figures.msPerToken()},
            {"decode_tokens_per_second", figures.tokensPerSecond()}};
}

Json head(const simulate::Simulator& simulator, const simulate::Scenario& scenario, bool gateChanges) {
    Json settings = Json::object();
    for (const auto& [name, value] : scenario.changes)
        settings[name] = value;
    return {{"estimate", true},
            {"approximate_gating", gateChanges || !simulate::gateAsRecorded(simulator.recording(), scenario)},
            {"session", simulator.recording().info.id},
            {"scenario", std::move(settings)},
            {"caveat", simulator.caveat(scenario)},
            {"recorded", json(simulator.recording().figures)}};
}

bool sweepsGate(const std::vector<simulate::SweepAxis>& axes) {
    return std::any_of(axes.begin(), axes.end(), [](const auto& axis) { return axis.setting.starts_with("gate"); });
}

std::string percent(double value) {
    return value < 0 ? "-" : fmt::format("{:.1f} %", 100 * value);
}

std::string megabytes(const Figures& figures) {
    return fmt::format("{:.2f}", figures.mbPerToken());
}

} // namespace

std::string simulationText(const simulate::Simulator& simulator, const simulate::Scenario& scenario, const Figures& figures) {
    const Figures& was = simulator.recording().figures;
    std::string text = fmt::format("{:28}{:>14}{:>14}\n", simulate::describe(scenario).substr(0, 27), "recorded", "estimate");
    const auto line = [&](std::string_view name, const std::string& before, const std::string& after) {
        text += fmt::format("{:28}{:>14}{:>14}\n", name, before, after);
    };
    const auto count = [&](std::string_view name, std::int64_t before, std::int64_t after) {
        line(name, fmt::format("{}", before), fmt::format("{}", after));
    };
    const auto real = [&](std::string_view name, double before, double after) {
        line(name, fmt::format("{:.2f}", before), fmt::format("{:.2f}", after));
    };
    line("hit rate", percent(was.hitRate()), percent(figures.hitRate()));
    line("  offline optimum", percent(was.optimumHitRate()), percent(figures.optimumHitRate()));
    count("hits", was.hits, figures.hits);
    count("misses", was.misses, figures.misses);
    count("evictions", was.evictions, figures.evictions);
    real("experts per token and layer", was.decodeMeanExperts(), figures.decodeMeanExperts());
    line("  single-expert share", percent(was.singleShare()), percent(figures.singleShare()));
    line("link MB per token", megabytes(was), megabytes(figures));
    if (was.prefetchIssued + figures.prefetchIssued > 0) {
        count("prefetches", was.prefetchIssued, figures.prefetchIssued);
        count("  used", was.prefetchUsed, figures.prefetchUsed);
    }
    real("stall ms per token", was.stallMsPerToken(), figures.stallMsPerToken());
    real("ms per token", was.msPerToken(), figures.msPerToken());
    line("tokens per second", fmt::format("{:.1f}", was.tokensPerSecond()), fmt::format("{:.1f}", figures.tokensPerSecond()));
    return fmt::format("{}\n{}\n", text, simulator.caveat(scenario));
}

std::string simulationJson(const simulate::Simulator& simulator, const simulate::Scenario& scenario, const Figures& figures) {
    Json result = head(simulator, scenario, false);
    result["simulated"] = json(figures);
    return fmt::format("{}\n", result.dump(2));
}

std::string sweepText(const simulate::Simulator& simulator, const simulate::Scenario& scenario,
                      const std::vector<simulate::SweepAxis>& axes, const std::vector<simulate::SweepPoint>& points) {
    std::vector<std::size_t> widths;
    std::string text;
    for (std::size_t i = 0; i < axes.size(); ++i) {
        std::size_t width = axes[i].setting.size();
        for (const std::string& value : axes[i].values)
            width = std::max(width, value.size());
        widths.push_back(width + 2);
        text += fmt::format("{:<{}}", axes[i].setting, widths.back());
    }
    text += fmt::format("{:>9}{:>9}{:>9}{:>10}{:>10}{:>11}{:>10}\n", "hit rate", "optimum", "experts", "MB/token", "stall ms",
                        "ms/token", "tokens/s");
    for (const simulate::SweepPoint& point : points) {
        for (std::size_t i = 0; i < axes.size(); ++i)
            text += fmt::format("{:<{}}", point.values[i], widths[i]);
        const Figures& figures = point.figures;
        text += fmt::format("{:>9}{:>9}{:>9.2f}{:>10}{:>10.2f}{:>11.2f}{:>10.1f}\n", percent(figures.hitRate()),
                            percent(figures.optimumHitRate()), figures.decodeMeanExperts(), megabytes(figures),
                            figures.stallMsPerToken(), figures.msPerToken(), figures.tokensPerSecond());
    }
    text += fmt::format("\n{}\n", simulator.caveat(scenario));
    if (sweepsGate(axes))
        text += "Where gating differs from the recording, so do the hidden states that follow: the choices are approximate.\n";
    return text;
}

std::string sweepJson(const simulate::Simulator& simulator, const simulate::Scenario& scenario,
                      const std::vector<simulate::SweepAxis>& axes, const std::vector<simulate::SweepPoint>& points) {
    Json result = head(simulator, scenario, sweepsGate(axes));
    result["points"] = Json::array();
    for (const simulate::SweepPoint& point : points) {
        Json settings = Json::object();
        for (std::size_t i = 0; i < axes.size(); ++i)
            settings[axes[i].setting] = point.values[i];
        Json row{{"settings", std::move(settings)}};
        row.update(json(point.figures));
        result["points"].push_back(std::move(row));
    }
    return fmt::format("{}\n", result.dump(2));
}

} // namespace moescope::app

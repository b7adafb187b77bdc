#include "app/quality_costs.h"

#include "engine/calibrate/calibration_file.h"
#include "engine/policy/gate_costs_json.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace moescope::app {

namespace {

/// For finding thresholds; what a gate then really keeps is measured with the rest.
constexpr int kTraceWindows = 16;
/// Shares of the top-k, after the whole of it: for top-2, 1.9 down to 1.2.
constexpr double kShares[] = {0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6};

std::vector<runtime::Settings> pricedSettings(const CostPlan& plan, const std::string& text) {
    RoutingCollector routing;
    collectRouting(plan.engine, text, plan.windowTokens, kTraceWindows, 1, routing);
    trace::NullTracer nothing;
    const trace::SteadyClock clock;
    runtime::EngineOptions options = plan.engine;
    options.settings = {};
    const runtime::Engine engine(options, nothing, clock);
    std::vector<runtime::Settings> settings;
    for (const std::string& gate : pricedGates())
        for (const double share : kShares)
            settings.push_back(settingsForMeanK(engine.calibration(), *routing.decisions(), gate, share * engine.facts().topK));
    return settings;
}

/// The losses of one file of the model against its f16 file; nothing when progress said stop.
std::optional<policy::QuantisationLoss> lossOf(const CostPlan& plan, const std::filesystem::path& file, const std::string& text,
                                               const std::function<bool(double share)>& progress) {
    QualityPlan quality{.engine = plan.engine,
                        .reference = plan.f16,
                        .settings = {runtime::Settings{}},
                        .windowTokens = plan.windowTokens,
                        .maxWindows = plan.maxWindows};
    quality.engine.model = file;
    quality.engine.calibration.clear();
    QualityMeter meter(std::move(quality), text);
    const QualityRun run =
        runQuality(meter, nullptr, [&](std::int64_t, std::int64_t, double share, double) { return progress(share); });
    if (!run.complete)
        return std::nullopt;
    return policy::QuantisationLoss{meter.facts().quantisation, run.results[0].meanKl, run.results[0].perplexityRatio};
}

void addPoints(const std::vector<runtime::Settings>& settings, const QualityRun& run, int topK, policy::GateCosts& costs) {
    for (std::size_t i = 0; i < settings.size(); ++i) {
        if (costs.points.empty() || costs.points.back().gate != settings[i].gate)
            costs.points.push_back({.gate = settings[i].gate, .meanExperts = static_cast<double>(topK)}); // threshold 0
        const QualityResult& result = run.results[i];
        costs.points.push_back({.gate = settings[i].gate,
                                .threshold = settings[i].gateThreshold,
                                .meanExperts = result.meanExpertsPerTokenLayer,
                                .singleShare = result.singleExpertShare,
                                .meanKl = result.meanKl,
                                .perplexityRatio = result.perplexityRatio});
        costs.tokens = result.tokensScored;
    }
}

} // namespace

std::vector<std::string> pricedGates() {
    return {"adapmoe-pair", "adapmoe", "adapmoe-paper", "score"};
}

void collectRouting(runtime::EngineOptions options, const std::string& text, int windowTokens, int windows, int depth,
                    RoutingCollector& into) {
    options.settings = {};
    options.settings.prefetch = depth > 1 ? "next-layer" : "none";
    options.settings.prefetchDepth = depth;
    const trace::SteadyClock clock;
    runtime::Engine engine(options, into, clock);
    std::vector<std::int32_t> tokens = engine.tokenize(text, true);
    const auto window = static_cast<std::size_t>(std::min(windowTokens, engine.facts().contextTokens));
    const std::vector<std::int32_t> start = engine.tokenize("", true);
    for (std::size_t at = 0; at + window <= tokens.size() && at < window * static_cast<std::size_t>(windows); at += window) {
        const std::span<std::int32_t> part(tokens.data() + at, window);
        if (!start.empty())
            part[0] = start.front();
        engine.score(part, runtime::Engine::ScoreMode::Prefill, [](int, std::span<const float>) { return true; });
    }
    if (!into.decisions())
        throw std::runtime_error(fmt::format("The text has {} tokens; one window needs {}.", tokens.size(), window));
}

runtime::Settings settingsForMeanK(const runtime::Calibration& calibration, const policy::DecisionTrace& trace,
                                   const std::string& gate, double meanExperts) {
    runtime::Settings settings;
    settings.gate = gate;
    settings.gateThreshold =
        policy::thresholdForMeanK(gate, calibration.gateParameters(settings), trace, meanExperts).threshold;
    return settings;
}

std::optional<policy::GateCosts> measureGateCosts(const CostPlan& plan, const std::string& text, const std::string& textName,
                                                  const std::function<bool(double share)>& progress) {
    const std::vector<runtime::Settings> settings = pricedSettings(plan, text);
    std::vector<std::filesystem::path> files{plan.engine.model};
    files.insert(files.end(), plan.formats.begin(), plan.formats.end());
    const auto curve = static_cast<double>(settings.size() + 1);
    const double all = curve + 2 * static_cast<double>(files.size());
    policy::GateCosts costs;
    costs.text = textName;
    for (std::size_t i = 0; i < files.size(); ++i) {
        const auto loss =
            lossOf(plan, files[i], text, [&](double share) { return progress(2 * (static_cast<double>(i) + share) / all); });
        if (!loss)
            return std::nullopt;
        costs.quantisation.push_back(*loss);
    }
    QualityMeter meter(
        {.engine = plan.engine, .settings = settings, .windowTokens = plan.windowTokens, .maxWindows = plan.maxWindows}, text);
    const QualityRun run = runQuality(meter, nullptr, [&](std::int64_t, std::int64_t, double share, double) {
        return progress((all - curve + curve * share) / all);
    });
    if (!run.complete)
        return std::nullopt;
    addPoints(settings, run, meter.facts().topK, costs);
    return costs;
}

void putGateCosts(const std::filesystem::path& calibration, const policy::GateCosts& costs) {
    std::ifstream stream(calibration, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    nlohmann::ordered_json json = nlohmann::ordered_json::parse(text, nullptr, false);
    if (!stream || !json.is_object())
        throw std::runtime_error(fmt::format("The calibration file {} cannot be read.", calibration.string()));
    json["gate_costs"] = policy::gateCostsJson(costs);
    calibrate::writeWhole(calibration, json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

} // namespace moescope::app

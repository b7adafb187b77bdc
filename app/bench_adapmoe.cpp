#include "app/bench_adapmoe.h"

#include "app/quality_costs.h"
#include "app/quality_state.h"
#include "app/run_facts.h"
#include "profiler/simulate/sweep.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <stdexcept>

namespace moescope::app {

namespace {

const char* const kGates[] = {"adapmoe-pair", "adapmoe", "adapmoe-paper", "score", "static-k", "random"};

/// About how the time divides.
constexpr double kAccuracyEnd = 0.35;
constexpr double kResidencyEnd = 0.5;
constexpr double kAblationEnd = 0.95;

/// One bench while it runs: the order of the experiments, and what later ones need of earlier ones.
class AdapmoeBench {
public:
    AdapmoeBench(const BenchPlan& plan, const BenchProgress& progress) : m_plan(plan), m_progress(progress) {
        trace::NullTracer nothing;
        const trace::SteadyClock clock;
        runtime::EngineOptions options = plan.engine;
        options.settings = {};
        const runtime::Engine engine(options, nothing, clock);
        m_facts = engine.facts();
        m_calibration = std::make_unique<runtime::Calibration>(engine.calibration().known(), m_facts);
        if (!m_calibration->known().pairs || m_calibration->known().paper.empty())
            throw std::runtime_error(
                fmt::format("The calibration of {} has no pair-wise or no paper sensitivities; make one with "
                            "moescope-engine calibrate.",
                            m_facts.name));
        m_figures.topK = m_facts.topK;
        m_figures.layers = m_facts.layers;
        m_figures.expertBytes = m_facts.expertBytes;
        m_figures.slots = m_facts.layers * m_facts.experts;
        m_figures.quantisation = m_calibration->known().costs.quantisation;
        sayConditions(engine.backendName());
    }

    std::optional<BenchFigures> run() {
        if (!step("routing", 0))
            return std::nullopt;
        collectRouting(m_plan.engine, m_plan.text, m_plan.windowTokens, m_plan.quick ? 1 : 16, 3, m_routing);
        m_figures.recall = m_routing.guesses();
        const bool done = measureAccuracy() && measureResidency() && measureSpeed() && measureCaches();
        return done ? std::optional(std::move(m_figures)) : std::nullopt;
    }

private:
    bool step(const std::string& phase, double share) { return m_progress(phase, share); }

    void sayConditions(const std::string& backend) {
        const session::MachineFacts machine = machineFacts();
        const auto add = [&](const char* name, std::string value) {
            m_figures.conditions.emplace_back(name, std::move(value));
        };
        add("model", fmt::format("{}, {} layers x {} experts, top-{}, {}, {:.2f} MB per expert, hash {}", m_facts.name,
                                 m_facts.layers, m_facts.experts, m_facts.topK, m_facts.quantisation,
                                 static_cast<double>(m_facts.expertBytes) / 1e6, m_facts.hash));
        add("machine", fmt::format("{}, {} cores, {:.1f} GB, {}", machine.processor, machine.cores,
                                   static_cast<double>(machine.memoryBytes) / 1e9, machine.system));
        add("engine", fmt::format("{}, {} threads", backend, m_plan.engine.threads));
        add("program", fmt::format("moescope-engine {}, {}", programVersion(), buildLine()));
        add("time", utcNow());
        add("calibration", m_calibration->known().source);
        add("text",
            fmt::format("{}, windows of {} tokens, the second half of each scored: {} windows for the gates, {} for the "
                        "rules that look at the cache",
                        m_plan.textName, m_plan.windowTokens, m_plan.accuracyWindows, m_plan.residencyWindows));
        add("links",
            "emulated. pcie3x16 and pcie4x16 as in the paper; this small model's experts cross them in about the time that a "
            "layer computes, so slower ones are added: at 0.6 GB/s a copy takes several layers' compute, as a 94 MB expert "
            "over "
            "PCIe 4.0 x16 does in an engine with native kernels");
        add("prompts", fmt::format("\"{}\"", fmt::join(m_plan.prompts, "\", \"")));
        add("seeds",
            fmt::format("{}; {} tokens per answer, so {} answers per cell, cells in turn within one run",
                        fmt::join(m_plan.seeds, ", "), m_plan.answerTokens, m_plan.prompts.size() * m_plan.seeds.size()));
    }

    runtime::Settings priced(const std::string& gate, double share) const {
        return settingsForMeanK(*m_calibration, *m_routing.decisions(), gate, share * m_facts.topK);
    }

    /// Nothing when stopped.
    std::optional<std::vector<GatePrice>> price(const std::string& phase, QualityPlan plan, double begin, double end) {
        QualityMeter meter(std::move(plan), m_plan.text);
        QualityState state(m_plan.output / (phase + ".state"), measurementIdentity(meter, m_plan.text),
                           meter.plan().settings.size());
        const QualityRun run = runQuality(meter, &state, [&](std::int64_t, std::int64_t, double share, double) {
            return step(phase, begin + share * (end - begin));
        });
        if (!run.complete)
            return std::nullopt;
        std::vector<GatePrice> prices;
        for (std::size_t i = 0; i < run.results.size(); ++i)
            prices.push_back({meter.plan().settings[i].gate, meter.plan().settings[i].gateThreshold, run.results[i]});
        return prices;
    }

    bool measureAccuracy() {
        QualityPlan plan{.engine = m_plan.engine, .windowTokens = m_plan.windowTokens, .maxWindows = m_plan.accuracyWindows};
        for (const char* gate : kGates)
            for (const double share : m_plan.meanExperts)
                plan.settings.push_back(priced(gate, share));
        auto prices = price("accuracy", std::move(plan), 0, kAccuracyEnd);
        if (prices)
            m_figures.accuracy = std::move(*prices);
        return prices.has_value();
    }

    bool measureResidency() {
        QualityPlan plan{.engine = m_plan.engine,
                         .mode = runtime::Engine::ScoreMode::Decode,
                         .windowTokens = m_plan.windowTokens,
                         .maxWindows = m_plan.residencyWindows};
        const auto add = [&](const char* gate, double threshold) {
            runtime::Settings settings;
            settings.gate = gate;
            settings.gateThreshold = threshold;
            settings.cacheExperts = m_figures.slots / 2;
            plan.settings.push_back(settings);
        };
        add("topk", 0);
        std::vector<double> thresholds;
        for (const double share : m_plan.meanExperts)
            thresholds.push_back(priced("adapmoe-pair", share).gateThreshold);
        for (const double threshold : thresholds)
            add("adapmoe-pair", threshold);
        // Sparing what is resident, it drops less at the same threshold: it takes larger ones to pay the same price.
        for (const double threshold : thresholds)
            add("adapmoe-residency", threshold);
        for (const double factor : {2.0, 4.0, 16.0})
            add("adapmoe-residency", factor * *std::max_element(thresholds.begin(), thresholds.end()));
        auto prices = price("residency", std::move(plan), kAccuracyEnd, kResidencyEnd);
        if (prices)
            m_figures.residency = std::move(*prices);
        return prices.has_value();
    }

    /// The threshold of adapmoe-residency at which it costs what the pair-wise gate does at that one; 0 if not known.
    double residencyThreshold(double pairThreshold) const {
        double kl = -1;
        for (const GatePrice& price : m_figures.residency)
            if (price.gate == "adapmoe-pair" && price.threshold == pairThreshold)
                kl = price.quality.meanKl;
        const GatePrice* below = nullptr;
        for (const GatePrice& price : m_figures.residency) {
            if (price.gate != "adapmoe-residency")
                continue;
            if (below && price.quality.meanKl >= kl && price.quality.meanKl > below->quality.meanKl) {
                const double part = (kl - below->quality.meanKl) / (price.quality.meanKl - below->quality.meanKl);
                return below->threshold * std::pow(price.threshold / below->threshold, part);
            }
            if (price.quality.meanKl <= kl)
                below = &price;
        }
        return 0;
    }

    bool measureSpeed() {
        AblationPlan plan{.engine = m_plan.engine, .gating = priced("adapmoe-pair", 0.75)};
        plan.engine.settings = {};
        plan.residencyThreshold = residencyThreshold(plan.gating.gateThreshold);
        plan.prompts = m_plan.prompts;
        plan.seeds = m_plan.seeds;
        plan.answerTokens = m_plan.answerTokens;
        plan.links = m_plan.links;
        plan.sessions = m_plan.output / "sessions";
        std::filesystem::create_directories(plan.sessions);
        for (const double share : m_plan.cacheShares)
            plan.cacheExperts.push_back(static_cast<int>(std::lround(share * m_figures.slots)));
        m_figures.conditions.emplace_back(
            "cells", fmt::format("gating adapmoe-pair at {:.4g}{}, prefetch next-layer {} ahead, allocation {}",
                                 plan.gating.gateThreshold,
                                 plan.residencyThreshold > 0
                                     ? fmt::format(" (adapmoe-residency at {:.4g}, of the same KL)", plan.residencyThreshold)
                                     : "",
                                 plan.prefetchDepth, plan.allocation));
        const double rows = static_cast<double>(plan.cacheExperts.size() * plan.links.size());
        for (const std::string& link : plan.links)
            for (const int slots : plan.cacheExperts) {
                const auto done = static_cast<double>(m_figures.ablation.size());
                auto cells = runAblationRow(plan, slots, link, [&](double share) {
                    return step(fmt::format("cells, cache {}, link {}", slots, link),
                                kResidencyEnd + (done + share) / rows * (kAblationEnd - kResidencyEnd));
                });
                if (cells.empty())
                    return false;
                m_figures.ablation.push_back(std::move(cells));
            }
        return true;
    }

    /// The cell whose session the simulator goes on from: base, with half of the experts if there is one.
    std::filesystem::path baseSession() const {
        const AblationCell* base = nullptr;
        for (const auto& row : m_figures.ablation)
            if (!base || row.front().cacheExperts * 2 == m_figures.slots)
                base = &row.front();
        return m_plan.output / "sessions" / base->session;
    }

    static CacheTable sweepTable(const simulate::Simulator& simulator, const std::string& columns, const std::string& setting,
                                 const std::string& slots) {
        const auto axes = std::vector{simulate::parseSweep(slots), simulate::parseSweep(setting + "=" + columns)};
        simulate::Scenario scenario;
        scenario.set("prefetch", "none");
        const auto points = simulate::sweep(simulator, scenario, axes);
        CacheTable table{.slots = {}, .columns = axes[1].values, .hitRate = {}};
        for (std::size_t i = 0; i < points.size(); ++i) {
            if (i % table.columns.size() == 0) {
                table.slots.push_back(std::stoi(points[i].values[0]));
                table.hitRate.emplace_back();
            }
            table.hitRate.back().push_back(points[i].figures.hitRate());
        }
        return table;
    }

    bool measureCaches() {
        if (!step("caches", kAblationEnd))
            return false;
        const simulate::Simulator simulator(simulate::readRecording(baseSession()));
        const int some = std::max(m_facts.layers, m_figures.slots / 8);
        const std::string slots = fmt::format("cache-experts={}:{}:{}", some, m_figures.slots, some);
        m_figures.eviction = sweepTable(simulator, "lru,lfu,lcu,weighted,belady", "cache", slots);
        const bool curves = m_calibration->known().hitCurves.contains("lru");
        m_figures.allocation = sweepTable(simulator, curves ? "uniform,global,adapmoe-dp,curves" : "uniform,global,adapmoe-dp",
                                          "allocation", slots);
        m_figures.allocation.columns.emplace_back("belady");
        for (std::size_t i = 0; i < m_figures.allocation.slots.size(); ++i)
            m_figures.allocation.hitRate[i].push_back(m_figures.eviction.hitRate[i].back());
        return step("report", 1);
    }

    const BenchPlan& m_plan;
    const BenchProgress& m_progress;
    model::ModelFacts m_facts;
    std::unique_ptr<runtime::Calibration> m_calibration;
    RoutingCollector m_routing;
    BenchFigures m_figures;
};

} // namespace

void BenchPlan::fill(bool quickRun) {
    quick = quickRun;
    prompts = {"Tell me a story about a fox and the moon.", "Tell me a story about a boy who lost his red ball.",
               "Tell me a story about an old king and a clever bird."};
    seeds = {1, 2, 3};
    // A small model's experts cross these links in the time of a layer or less. At 0.6 GB/s a copy takes about as
    // many layers' compute as 94 MB experts over PCIe 4.0 x16 in an engine with native kernels; pcie3x4 lies between.
    links = {"pcie3x16", "pcie4x16", "pcie3x4", "0.6"};
    meanExperts = {0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6};
    if (!quick)
        return;
    prompts.resize(1);
    seeds.resize(1);
    links = {"pcie3x16"};
    cacheShares = {0.5};
    meanExperts = {0.9, 0.75, 0.6};
    answerTokens = 12;
    accuracyWindows = 1;
    residencyWindows = 1;
    windowTokens = 64;
}

std::optional<BenchFigures> runAdapmoeBench(const BenchPlan& plan, const BenchProgress& progress) {
    return AdapmoeBench(plan, progress).run();
}

} // namespace moescope::app

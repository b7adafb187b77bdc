#include "app/bench_ablation.h"

#include "app/run_quantile.h"
#include "profiler/analysis/snapshot_builder.h"
#include "profiler/session/session_reader.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <memory>

namespace moescope::app {

namespace {

/// One cell's recorded run while the row goes on.
class CellRun {
public:
    CellRun(const AblationPlan& plan, const Parts& parts, int cacheExperts, const std::string& link)
        : m_cell{
              .parts = parts, .cacheExperts = cacheExperts, .link = link, .tokensPerSecond = {}, .summary = {}, .session = {}} {
        m_cell.session = fmt::format("{}-cache{}-{}.moescope", parts.name, cacheExperts, link);
        RunOptions options;
        options.engine = plan.engine;
        options.engine.settings = cellSettings(plan, parts, cacheExperts, link);
        options.output = plan.sessions / m_cell.session;
        options.title = fmt::format("AdapMoE bench: {}, cache {}, link {}", parts.name, cacheExperts, link);
        options.maxTokens = plan.answerTokens;
        std::filesystem::remove(options.output);
        m_run = std::make_unique<Run>(
            std::move(options), [this](const trace::TokenEmitted& token, std::string_view) { m_times.push_back(token.at); },
            [this](const std::string& reason) { m_trouble = reason; });
    }

    void ask(const std::string& prompt, std::uint64_t seed, int tokens) {
        runtime::GenerationRequest request;
        request.messages.push_back({runtime::ChatMessage::Role::User, prompt});
        request.maxTokens = tokens;
        request.sampling.seed = seed;
        m_times.clear();
        const runtime::Answer answer = m_run->answer(request);
        if (answer.reason == trace::EndReason::Failed)
            throw std::runtime_error(fmt::format("The run {} failed: {}", m_cell.session, answer.problem));
        const double ns = m_times.size() > 1 ? static_cast<double>(m_times.back() - m_times.front()) : 0;
        m_cell.tokensPerSecond.push_back(ns > 0 ? static_cast<double>(m_times.size() - 1) * 1e9 / ns : 0);
    }

    AblationCell finish(const std::filesystem::path& folder) {
        m_run->finish();
        m_run.reset();
        if (!m_trouble.empty())
            throw std::runtime_error(m_trouble);
        session::SessionReader reader(folder / m_cell.session);
        reader.refresh();
        analysis::SnapshotBuilder builder(std::make_shared<const session::SessionInfo>(reader.info()));
        while (const auto batch = reader.next())
            builder.add(*batch);
        builder.refreshFigures(true);
        m_cell.summary = builder.snapshot()->summary;
        return std::move(m_cell);
    }

private:
    AblationCell m_cell;
    std::vector<trace::TimeNs> m_times; ///< of the current answer's tokens
    std::string m_trouble;
    std::unique_ptr<Run> m_run;
};

} // namespace

std::vector<Parts> ablationParts() {
    return {{.name = "base"},
            {.name = "gating", .gating = true},
            {.name = "prefetch", .prefetch = true},
            {.name = "allocation", .allocation = true},
            {.name = "gating+prefetch", .gating = true, .prefetch = true},
            {.name = "gating+allocation", .gating = true, .allocation = true},
            {.name = "prefetch+allocation", .prefetch = true, .allocation = true},
            {.name = "all", .gating = true, .prefetch = true, .allocation = true},
            {.name = "all-residency", .gating = true, .prefetch = true, .allocation = true, .residencyGate = true}};
}

runtime::Settings cellSettings(const AblationPlan& plan, const Parts& parts, int cacheExperts, const std::string& link) {
    runtime::Settings settings = plan.engine.settings;
    settings.gate = "topk";
    settings.gateThreshold = 0;
    settings.cacheExperts = cacheExperts;
    settings.link = link;
    if (parts.gating) {
        settings.gate = plan.gating.gate;
        settings.gateThreshold = plan.gating.gateThreshold;
    }
    if (parts.residencyGate) {
        settings.gate = "adapmoe-residency";
        settings.gateThreshold = plan.residencyThreshold;
    }
    settings.prefetch = parts.prefetch ? "next-layer" : "none";
    settings.prefetchDepth = plan.prefetchDepth;
    settings.allocation = parts.allocation ? plan.allocation : "uniform";
    return settings;
}

std::vector<AblationCell> runAblationRow(const AblationPlan& plan, int cacheExperts, const std::string& link,
                                         const std::function<bool(double share)>& keepOn) {
    std::vector<std::unique_ptr<CellRun>> cells;
    for (const Parts& parts : ablationParts())
        if (!parts.residencyGate || plan.residencyThreshold > 0)
            cells.push_back(std::make_unique<CellRun>(plan, parts, cacheExperts, link));
    const double questions = static_cast<double>(plan.prompts.size() * plan.seeds.size());
    std::size_t asked = 0;
    for (const std::string& prompt : plan.prompts)
        for (const std::uint64_t seed : plan.seeds) {
            for (std::size_t i = 0; i < cells.size(); ++i) {
                if (!keepOn((static_cast<double>(asked) + static_cast<double>(i) / static_cast<double>(cells.size())) /
                            questions))
                    return {};
                cells[(i + asked) % cells.size()]->ask(prompt, seed, plan.answerTokens);
            }
            ++asked;
        }
    std::vector<AblationCell> done;
    done.reserve(cells.size());
    for (const auto& cell : cells)
        done.push_back(cell->finish(plan.sessions));
    return done;
}

SpeedUp speedUp(const std::vector<double>& base, const std::vector<double>& cell) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < std::min(base.size(), cell.size()); ++i)
        if (base[i] > 0 && cell[i] > 0)
            ratios.push_back(cell[i] / base[i]);
    return {quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75)};
}

} // namespace moescope::app

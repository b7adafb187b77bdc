#include "app/quality.h"

#include "app/quality_state.h"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

namespace moescope::app {

namespace {

bool everythingFits(const runtime::Settings& settings, const model::ModelFacts& facts) {
    return settings.cacheExperts == 0 || settings.cacheExperts >= facts.layers * facts.experts;
}

/// The gate last: until then the plain one stands, to which every threshold is fine.
void goOver(runtime::Engine& engine, const runtime::Settings& settings) {
    engine.post("gate", "topk");
    for (const std::string& name : runtime::settingNames())
        if (name != "gate")
            engine.post(name, runtime::settingValue(settings, name));
    engine.post("gate", settings.gate);
}

void checkSameModel(const model::ModelFacts& measured, const model::ModelFacts& reference) {
    const bool same = measured.layers == reference.layers && measured.experts == reference.experts &&
                      measured.topK == reference.topK && measured.hidden == reference.hidden &&
                      measured.vocabulary == reference.vocabulary;
    if (!same)
        throw std::runtime_error(
            fmt::format("The reference {} is not a file of the same model as {}.", reference.path, measured.path));
}

} // namespace

/// The reference's rows of one window that are scored: from its middle on, but for the last, whose next token is unknown.
class QualityMeter::Rows {
public:
    Rows(std::size_t window, std::size_t vocabulary)
        : m_first(window / 2), m_rows(window - 1 - m_first), m_vocabulary(vocabulary), m_values(m_rows * vocabulary) {}
    /// Room for the row of that position; empty if it is not scored.
    std::span<float> at(int position) {
        const auto row = static_cast<std::size_t>(position) - m_first;
        if (static_cast<std::size_t>(position) < m_first || row >= m_rows)
            return {};
        return {m_values.data() + row * m_vocabulary, m_vocabulary};
    }

private:
    std::size_t m_first;
    std::size_t m_rows;
    std::size_t m_vocabulary;
    std::vector<float> m_values;
};

QualityMeter::QualityMeter(QualityPlan plan, const std::string& text) : m_plan(std::move(plan)) {
    runtime::EngineOptions reference = m_plan.engine;
    reference.settings = {};
    m_measured = std::make_unique<runtime::Engine>(reference, m_traffic, m_clock);
    if (!m_plan.reference.empty()) {
        reference.model = m_plan.reference;
        reference.calibration.clear();
    }
    m_reference = std::make_unique<runtime::Engine>(reference, m_nothing, m_clock);
    m_facts = m_measured->facts();
    m_known = m_measured->calibration().known();
    checkSameModel(m_facts, m_reference->facts());
    for (const runtime::Settings& settings : m_plan.settings)
        m_measured->calibration().check(settings);
    m_windowTokens = std::min(m_plan.windowTokens, m_facts.contextTokens);
    m_tokens = m_measured->tokenize(text, true);
    m_windows = static_cast<std::int64_t>(m_tokens.size()) / m_windowTokens;
    if (m_plan.maxWindows > 0)
        m_windows = std::min<std::int64_t>(m_windows, m_plan.maxWindows);
    if (m_windows == 0)
        throw std::runtime_error(fmt::format("The text has {} tokens; one window needs {}.", m_tokens.size(), m_windowTokens));
    m_rows = std::make_unique<Rows>(static_cast<std::size_t>(m_windowTokens), static_cast<std::size_t>(m_facts.vocabulary));
}

QualityMeter::~QualityMeter() = default;

std::span<std::int32_t> QualityMeter::tokensOf(std::int64_t window) {
    const std::span<std::int32_t> part(m_tokens.data() + window * m_windowTokens, static_cast<std::size_t>(m_windowTokens));
    const std::vector<std::int32_t> start = m_reference->tokenize("", true);
    if (!start.empty())
        part[0] = start.front();
    return part;
}

runtime::Engine& QualityMeter::engineFor(const runtime::Settings& settings) {
    if (m_measured && everythingFits(settings, m_facts) && everythingFits(m_measured->settings(), m_facts)) {
        goOver(*m_measured, settings);
        return *m_measured;
    }
    m_measured.reset();
    runtime::EngineOptions options = m_plan.engine;
    options.settings = settings;
    m_measured = std::make_unique<runtime::Engine>(options, m_traffic, m_clock);
    return *m_measured;
}

bool QualityMeter::scoreReference(std::span<const std::int32_t> tokens, const std::function<bool()>& step) {
    bool wanted = true;
    m_reference->score(tokens, m_plan.mode, [&](int position, std::span<const float> logits) {
        if (const auto row = m_rows->at(position); !row.empty())
            logSoftmax(logits, row);
        return wanted = step();
    });
    return wanted;
}

bool QualityMeter::scoreSetting(std::int64_t window, std::span<const std::int32_t> tokens, const runtime::Settings& settings,
                                const std::function<bool()>& step, WindowScore& score) {
    runtime::Engine& engine = engineFor(settings);
    engine.startAt(trace::TokenIndex(static_cast<std::int32_t>(window * m_windowTokens)));
    engine.takeGateCounts();
    m_traffic.take();
    std::vector<float> measured(static_cast<std::size_t>(m_facts.vocabulary));
    bool wanted = true;
    engine.score(tokens, m_plan.mode, [&](int position, std::span<const float> logits) {
        if (const auto row = m_rows->at(position); !row.empty()) {
            logSoftmax(logits, measured);
            score.add(row, measured, tokens[static_cast<std::size_t>(position) + 1]);
        }
        return wanted = step();
    });
    score.gate = engine.takeGateCounts();
    score.tokensRead = static_cast<std::int64_t>(tokens.size());
    if (!everythingFits(settings, m_facts))
        m_measured.reset(); // the next window begins cold; and every copy has been counted then
    const TrafficCounter::Counts moved = m_traffic.take();
    score.bytes = moved.bytes;
    score.hits = moved.hits;
    score.misses = moved.misses;
    return wanted;
}

std::optional<std::vector<WindowScore>> QualityMeter::score(std::int64_t window, const KeepOn& keepOn) {
    const std::span<const std::int32_t> tokens = tokensOf(window);
    const double all = static_cast<double>(tokens.size()) * static_cast<double>(m_plan.settings.size() + 1);
    std::int64_t done = 0;
    const auto step = [&] { return keepOn(static_cast<double>(++done) / all); };
    if (!scoreReference(tokens, step))
        return std::nullopt;
    std::vector<WindowScore> scores;
    for (const runtime::Settings& settings : m_plan.settings)
        if (!scoreSetting(window, tokens, settings, step, scores.emplace_back()))
            return std::nullopt;
    return scores;
}

QualityRun runQuality(QualityMeter& meter, QualityState* state, const QualityProgress& progress) {
    std::vector<QualityTally> tallies(meter.plan().settings.size());
    const auto add = [&](const std::vector<WindowScore>& scores) {
        for (std::size_t i = 0; i < tallies.size(); ++i)
            tallies[i].add(scores[i]);
    };
    QualityRun run;
    if (state)
        for (const auto& scores : state->takeDone())
            if (run.windows < meter.windows()) {
                add(scores);
                ++run.windows;
            }
    const std::int64_t all = meter.windows();
    while (run.windows < all) {
        const auto scores = meter.score(run.windows, [&](double share) {
            return progress(run.windows, all, (static_cast<double>(run.windows) + share) / static_cast<double>(all),
                            tallies.front().perplexity());
        });
        if (!scores)
            break;
        add(*scores);
        ++run.windows;
        if (state)
            state->append(*scores);
    }
    run.complete = run.windows == all;
    progress(run.windows, all, static_cast<double>(run.windows) / static_cast<double>(all), tallies.front().perplexity());
    for (const QualityTally& tally : tallies) {
        run.results.push_back(tally.result(meter.facts().topK));
        run.results.back().windowTokens = meter.windowTokens();
    }
    return run;
}

} // namespace moescope::app

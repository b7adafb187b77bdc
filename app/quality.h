#pragma once
#include "app/quality_score.h"
#include "app/traffic_counter.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace moescope::app {

struct QualityPlan {
    /// The model that is measured. Its settings are not looked at.
    runtime::EngineOptions engine;
    /// Another file of the same model; empty: the same file. The reference always runs the whole top-k from fast memory.
    std::filesystem::path reference{};
    std::vector<runtime::Settings> settings{}; ///< each is measured
    runtime::Engine::ScoreMode mode = runtime::Engine::ScoreMode::Prefill;
    int windowTokens = 512;
    int maxWindows = 0; ///< 0: all
};

/// Scores a text window by window against a reference. The experts come through the real expert supply; a window with a cache
/// that holds less than all begins with a cold one, so that each window stands for itself. Owned by a command; one thread.
class QualityMeter {
public:
    /// The share of the window that is done, 0..1; returns false to stop.
    using KeepOn = std::function<bool(double share)>;

    /// Throws std::runtime_error with one sentence when the text is shorter than one window, or the reference is another model.
    QualityMeter(QualityPlan plan, const std::string& text);
    ~QualityMeter();

    std::int64_t windows() const { return m_windows; }
    std::int64_t windowTokens() const { return m_windowTokens; }
    const QualityPlan& plan() const { return m_plan; }
    const model::ModelFacts& facts() const { return m_facts; }
    const model::ModelFacts& referenceFacts() const { return m_reference->facts(); }
    /// What the calibration in use knows of the measured model.
    const policy::Sensitivities& known() const { return m_known; }

    /// One score per setting; nothing when keepOn said stop.
    std::optional<std::vector<WindowScore>> score(std::int64_t window, const KeepOn& keepOn);

private:
    class Rows;
    std::span<std::int32_t> tokensOf(std::int64_t window);
    bool scoreReference(std::span<const std::int32_t> tokens, const std::function<bool()>& step);
    bool scoreSetting(std::int64_t window, std::span<const std::int32_t> tokens, const runtime::Settings& settings,
                      const std::function<bool()>& step, WindowScore& score);
    /// In the given settings; cold when the cache holds less than all.
    runtime::Engine& engineFor(const runtime::Settings& settings);

    QualityPlan m_plan;
    trace::NullTracer m_nothing;
    TrafficCounter m_traffic;
    trace::SteadyClock m_clock;
    std::unique_ptr<runtime::Engine> m_reference;
    std::unique_ptr<runtime::Engine> m_measured; ///< kept between windows while everything is resident
    model::ModelFacts m_facts;
    policy::Sensitivities m_known;
    std::vector<std::int32_t> m_tokens;
    std::int64_t m_windows = 0;
    std::int64_t m_windowTokens = 0;
    std::unique_ptr<Rows> m_rows;
};

class QualityState;

/// windows done, of all, share of the whole that is done, perplexity so far under the first setting; returns false to stop.
using QualityProgress = std::function<bool(std::int64_t done, std::int64_t all, double share, double perplexity)>;

struct QualityRun {
    std::vector<QualityResult> results; ///< one per setting, over the windows that are done
    std::int64_t windows = 0;
    bool complete = false;
};
/// Scores all windows, going on from `state` and adding to it if there is one.
QualityRun runQuality(QualityMeter& meter, QualityState* state, const QualityProgress& progress);

} // namespace moescope::app

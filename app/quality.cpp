#include "app/quality.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <stdexcept>

namespace moescope::app {

void logSoftmax(std::span<const float> logits, std::span<float> out) {
    const float largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits)
        sum += std::exp(static_cast<double>(logit - largest));
    const double logSum = std::log(sum);
    for (std::size_t i = 0; i < logits.size(); ++i)
        out[i] = static_cast<float>(static_cast<double>(logits[i] - largest) - logSum);
}

void QualityScore::add(std::span<const float> baseline, std::span<const float> gated, std::int32_t next) {
    const auto token = static_cast<std::size_t>(next);
    const auto nll = -static_cast<double>(gated[token]);
    m_nll += nll;
    m_nllSquares += nll * nll;
    m_baselineNll -= static_cast<double>(baseline[token]);
    double kl = 0;
    for (std::size_t i = 0; i < baseline.size(); ++i)
        kl += std::exp(static_cast<double>(baseline[i])) * static_cast<double>(baseline[i] - gated[i]);
    m_kl += kl;
    m_klValues.push_back(static_cast<float>(kl));
    const auto top = [](std::span<const float> row) { return std::max_element(row.begin(), row.end()) - row.begin(); };
    m_equal += top(baseline) == top(gated) ? 1 : 0;
}

void QualityScore::put(QualityResult& result) const {
    result.tokensScored = static_cast<std::int64_t>(m_klValues.size());
    if (m_klValues.empty())
        return;
    const auto count = static_cast<double>(m_klValues.size());
    const double mean = m_nll / count;
    result.perplexity = std::exp(mean);
    result.baselinePerplexity = std::exp(m_baselineNll / count);
    const double variance = m_nllSquares / count - mean * mean;
    result.standardError = count > 1 && variance > 0 ? std::sqrt(variance / (count - 1)) * result.perplexity : 0;
    result.meanKl = m_kl / count;
    result.equalTop1 = static_cast<double>(m_equal) / count;
    std::vector<float> sorted = m_klValues;
    std::sort(sorted.begin(), sorted.end());
    const auto rank = static_cast<std::size_t>(std::ceil(0.99 * count)) - 1;
    result.p99Kl = static_cast<double>(sorted[rank]);
}

namespace {

/// The baseline's rows of one window that are scored: from its middle on, but for the last, whose next token is unknown.
class WindowRows {
public:
    WindowRows(std::size_t window, std::size_t vocabulary)
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

/// Scores one window with both gates; the given one is in force afterwards. Returns what the gate let run.
runtime::Engine::GateCounts scoreWindow(runtime::Engine& engine, std::span<const std::int32_t> tokens, const std::string& gate,
                                        runtime::Engine::ScoreMode mode, WindowRows& baseline, QualityScore& sums) {
    engine.post("gate", "topk");
    engine.score(tokens, mode, [&](int position, std::span<const float> logits) {
        if (const auto row = baseline.at(position); !row.empty())
            logSoftmax(logits, row);
        return true;
    });
    engine.takeGateCounts();
    engine.post("gate", gate);
    std::vector<float> gated(static_cast<std::size_t>(engine.facts().vocabulary));
    engine.score(tokens, mode, [&](int position, std::span<const float> logits) {
        if (const auto row = baseline.at(position); !row.empty()) {
            logSoftmax(logits, gated);
            sums.add(row, gated, tokens[static_cast<std::size_t>(position) + 1]);
        }
        return true;
    });
    return engine.takeGateCounts();
}

} // namespace

QualityResult measureQuality(runtime::Engine& engine, const std::string& text, const QualityOptions& options,
                             const QualityProgress& progress) {
    const std::string gate = engine.settings().gate;
    const auto window = static_cast<std::size_t>(std::min(options.windowTokens, engine.facts().contextTokens));
    std::vector<std::int32_t> tokens = engine.tokenize(text, true);
    QualityResult result;
    result.windowTokens = static_cast<std::int64_t>(window);
    std::int64_t windows = static_cast<std::int64_t>(tokens.size() / window);
    if (options.maxWindows > 0)
        windows = std::min<std::int64_t>(windows, options.maxWindows);
    if (windows == 0)
        throw std::runtime_error(fmt::format("The text has {} tokens; one window needs {}.", tokens.size(), window));
    const std::vector<std::int32_t> start = engine.tokenize("", true);
    WindowRows baseline(window, static_cast<std::size_t>(engine.facts().vocabulary));
    QualityScore sums;
    runtime::Engine::GateCounts counts;
    for (; result.windows < windows; ++result.windows) {
        const std::span<std::int32_t> part(tokens.data() + static_cast<std::size_t>(result.windows) * window, window);
        if (!start.empty())
            part[0] = start.front();
        const auto own = scoreWindow(engine, part, gate, options.mode, baseline, sums);
        counts.decisions += own.decisions;
        counts.kept += own.kept;
        counts.single += own.single;
        sums.put(result);
        if (!progress(result.windows + 1, windows, result.perplexity)) {
            ++result.windows;
            break;
        }
    }
    if (counts.decisions > 0) {
        result.meanExpertsPerTokenLayer = static_cast<double>(counts.kept) / static_cast<double>(counts.decisions);
        result.singleExpertShare = static_cast<double>(counts.single) / static_cast<double>(counts.decisions);
    }
    return result;
}

} // namespace moescope::app

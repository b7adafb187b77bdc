#pragma once
#include "engine/runtime/engine.h"

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace moescope::app {

/// What gating costs on a text. Windowing as in llama.cpp's perplexity tool: the text is tokenised once, cut into windows (the
/// last partial one is dropped), the first token of each replaced by bos, and the second half of each scored.
struct QualityResult {
    std::int64_t windows = 0;
    std::int64_t windowTokens = 0;
    std::int64_t tokensScored = 0;
    double perplexity = 0;         ///< under the given gate
    double standardError = 0;      ///< of perplexity, as llama.cpp prints it
    double baselinePerplexity = 0; ///< all of the router's top-k run
    double meanKl = 0;             ///< nats, KL(baseline || gated) per scored position
    double p99Kl = 0;
    double equalTop1 = 0;                ///< share of positions where both prefer the same token
    double meanExpertsPerTokenLayer = 0; ///< over all tokens read under the gate
    double singleExpertShare = 0;
};

/// log softmax of logits into out, [vocabulary], accumulated in double as llama.cpp's tool does.
void logSoftmax(std::span<const float> logits, std::span<float> out);

/// Sums of one text, position by position. baseline and gated are log softmax rows over the vocabulary.
class QualityScore {
public:
    void add(std::span<const float> baseline, std::span<const float> gated, std::int32_t next);
    /// Fills the fields that come from positions.
    void put(QualityResult& result) const;

private:
    double m_nll = 0, m_nllSquares = 0, m_baselineNll = 0, m_kl = 0;
    std::int64_t m_equal = 0;
    std::vector<float> m_klValues;
};

struct QualityOptions {
    runtime::Engine::ScoreMode mode = runtime::Engine::ScoreMode::Prefill;
    int windowTokens = 512;
    int maxWindows = 0; ///< 0: all
};
/// After each window: done, of all, perplexity so far. Return false to stop early with what there is.
using QualityProgress = std::function<bool(std::int64_t done, std::int64_t all, double perplexity)>;

/// Scores every window twice: with the topk gate, then with the gate that is in force when called (which is in force again
/// afterwards). Throws std::runtime_error with one sentence when the text is shorter than one window.
QualityResult measureQuality(runtime::Engine& engine, const std::string& text, const QualityOptions& options,
                             const QualityProgress& progress);

} // namespace moescope::app

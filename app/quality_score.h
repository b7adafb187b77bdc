#pragma once
#include "engine/runtime/engine.h"

#include <span>
#include <vector>

namespace moescope::app {

/// log softmax of logits into out, [vocabulary], accumulated in double as llama.cpp's tool does.
void logSoftmax(std::span<const float> logits, std::span<float> out);

/// What one window gave under one setting.
struct WindowScore {
    std::vector<double> nll;          ///< [positions] -log p(next token), nats
    std::vector<double> referenceNll; ///< [positions] the same under the reference
    std::vector<double> kl;           ///< [positions] KL(reference || measured), nats
    std::int64_t equalTop1 = 0;       ///< positions where both prefer the same token
    runtime::Engine::GateCounts gate;
    std::int64_t tokensRead = 0;
    std::int64_t bytes = 0; ///< over the link
    std::int64_t hits = 0, misses = 0;

    /// One scored position: log softmax rows over the vocabulary, and the token that really came.
    void add(std::span<const float> reference, std::span<const float> measured, std::int32_t next);
};

/// What gating, or another file of the same model, costs on a text. Windowing as in llama.cpp's perplexity tool: the text is
/// tokenised once, cut into windows (the last partial one is dropped), the first token of each replaced by bos, and the second
/// half of each scored. Standard errors take positions as independent, as llama.cpp does.
struct QualityResult {
    std::int64_t windows = 0;
    std::int64_t windowTokens = 0;
    std::int64_t tokensScored = 0;
    double perplexity = 0;
    double standardError = 0;
    double baselinePerplexity = 0; ///< of the reference
    double perplexityRatio = 1;
    double perplexityRatioError = 0; ///< standard error; paired, so much smaller than that of either perplexity
    double meanKl = 0;               ///< nats, KL(reference || measured) per scored position
    double meanKlError = 0;          ///< standard error
    double p99Kl = 0;
    double p99KlError = 0;               ///< standard error, from the order statistics around it
    double equalTop1 = 0;                ///< share of positions where both prefer the same token
    double equalTop1Error = 0;           ///< standard error
    double meanExpertsPerTokenLayer = 0; ///< over all tokens read
    double singleExpertShare = 0;
    double executionsCut = 0; ///< share of the router's choices that did not run
    double bytesPerToken = 0; ///< over the link, per token read
    double hitRate = -1;      ///< -1: nothing was asked for
};

/// Gathers windows, in order. The same windows in the same order give the same bits.
class QualityTally {
public:
    void add(const WindowScore& window);
    std::int64_t windows() const { return m_windows; }
    double perplexity() const;
    /// topK: what the router chooses per token and layer.
    QualityResult result(int topK) const;

private:
    std::int64_t m_windows = 0;
    double m_nll = 0, m_nllSquares = 0, m_referenceNll = 0, m_differenceSquares = 0;
    double m_kl = 0, m_klSquares = 0;
    std::vector<double> m_klValues;
    std::int64_t m_equal = 0;
    runtime::Engine::GateCounts m_gate;
    std::int64_t m_tokensRead = 0, m_bytes = 0, m_hits = 0, m_misses = 0;
};

} // namespace moescope::app

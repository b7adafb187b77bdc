#include "app/quality_score.h"

#include <algorithm>
#include <cmath>

namespace moescope::app {

namespace {

/// Standard error of a mean, from the sums of the values and of their squares.
double errorOfMean(double sum, double squares, double count) {
    const double mean = sum / count;
    const double variance = squares / count - mean * mean;
    return count > 1 && variance > 0 ? std::sqrt(variance / (count - 1)) : 0;
}

} // namespace

void logSoftmax(std::span<const float> logits, std::span<float> out) {
    const float largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits)
        sum += std::exp(static_cast<double>(logit - largest));
    const double logSum = std::log(sum);
    for (std::size_t i = 0; i < logits.size(); ++i)
        out[i] = static_cast<float>(static_cast<double>(logits[i] - largest) - logSum);
}

void WindowScore::add(std::span<const float> reference, std::span<const float> measured, std::int32_t next) {
    const auto token = static_cast<std::size_t>(next);
    nll.push_back(-static_cast<double>(measured[token]));
    referenceNll.push_back(-static_cast<double>(reference[token]));
    double divergence = 0;
    for (std::size_t i = 0; i < reference.size(); ++i)
        divergence += std::exp(static_cast<double>(reference[i])) * static_cast<double>(reference[i] - measured[i]);
    kl.push_back(divergence);
    const auto top = [](std::span<const float> row) { return std::max_element(row.begin(), row.end()) - row.begin(); };
    equalTop1 += top(reference) == top(measured) ? 1 : 0;
}

void QualityTally::add(const WindowScore& window) {
    ++m_windows;
    for (std::size_t i = 0; i < window.nll.size(); ++i) {
        const double difference = window.nll[i] - window.referenceNll[i];
        m_nll += window.nll[i];
        m_nllSquares += window.nll[i] * window.nll[i];
        m_referenceNll += window.referenceNll[i];
        m_differenceSquares += difference * difference;
        m_kl += window.kl[i];
        m_klSquares += window.kl[i] * window.kl[i];
        m_klValues.push_back(window.kl[i]);
    }
    m_equal += window.equalTop1;
    m_gate.decisions += window.gate.decisions;
    m_gate.kept += window.gate.kept;
    m_gate.single += window.gate.single;
    m_tokensRead += window.tokensRead;
    m_bytes += window.bytes;
    m_hits += window.hits;
    m_misses += window.misses;
}

double QualityTally::perplexity() const {
    return m_klValues.empty() ? 0 : std::exp(m_nll / static_cast<double>(m_klValues.size()));
}

QualityResult QualityTally::result(int topK) const {
    QualityResult result;
    result.windows = m_windows;
    result.tokensScored = static_cast<std::int64_t>(m_klValues.size());
    if (m_klValues.empty())
        return result;
    const auto count = static_cast<double>(m_klValues.size());
    result.perplexity = perplexity();
    result.standardError = errorOfMean(m_nll, m_nllSquares, count) * result.perplexity;
    result.baselinePerplexity = std::exp(m_referenceNll / count);
    result.perplexityRatio = std::exp((m_nll - m_referenceNll) / count);
    result.perplexityRatioError = errorOfMean(m_nll - m_referenceNll, m_differenceSquares, count) * result.perplexityRatio;
    result.meanKl = m_kl / count;
    result.meanKlError = errorOfMean(m_kl, m_klSquares, count);
    result.equalTop1 = static_cast<double>(m_equal) / count;
    result.equalTop1Error = std::sqrt(result.equalTop1 * (1 - result.equalTop1) / count);
    std::vector<double> sorted = m_klValues;
    std::sort(sorted.begin(), sorted.end());
    // The rank of the quantile is binomial: one standard deviation of ranks up and down spans two standard errors.
    const auto at = [&](double rank) { return sorted[static_cast<std::size_t>(std::clamp(std::ceil(rank), 1.0, count)) - 1]; };
    constexpr double kShare = 0.99;
    const double spread = std::sqrt(count * kShare * (1 - kShare));
    result.p99Kl = at(kShare * count);
    result.p99KlError = (at(kShare * count + spread) - at(kShare * count - spread)) / 2;
    if (m_gate.decisions > 0) {
        const auto decisions = static_cast<double>(m_gate.decisions);
        result.meanExpertsPerTokenLayer = static_cast<double>(m_gate.kept) / decisions;
        result.singleExpertShare = static_cast<double>(m_gate.single) / decisions;
        result.executionsCut = 1 - result.meanExpertsPerTokenLayer / topK;
    }
    if (m_tokensRead > 0)
        result.bytesPerToken = static_cast<double>(m_bytes) / static_cast<double>(m_tokensRead);
    if (m_hits + m_misses > 0)
        result.hitRate = static_cast<double>(m_hits) / static_cast<double>(m_hits + m_misses);
    return result;
}

} // namespace moescope::app

#include "app/quality_score.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

namespace moescope::app {
namespace {

TEST(LogSoftmax, IsNormalised) {
    const std::vector<float> logits{1.0F, -2.0F, 0.5F, 1000.0F, 999.0F};
    std::vector<float> out(logits.size());
    logSoftmax(logits, out);
    double sum = 0;
    for (const float value : out)
        sum += std::exp(static_cast<double>(value));
    EXPECT_NEAR(sum, 1, 1e-6);
    EXPECT_NEAR(out[3], -std::log(1 + std::exp(-1.0)), 1e-6);
}

std::vector<float> logs(std::vector<double> shares) {
    std::vector<float> out;
    for (const double share : shares)
        out.push_back(static_cast<float>(std::log(share)));
    return out;
}

TEST(WindowScore, OnePositionByHand) {
    WindowScore score;
    score.add(logs({0.5, 0.25, 0.25}), logs({0.25, 0.5, 0.25}), 1);
    EXPECT_NEAR(score.nll[0], std::log(2.0), 1e-6);
    EXPECT_NEAR(score.referenceNll[0], std::log(4.0), 1e-6);
    EXPECT_NEAR(score.kl[0], 0.5 * std::log(2.0) - 0.25 * std::log(2.0), 1e-6);
    EXPECT_EQ(score.equalTop1, 0);
    score.add(logs({0.5, 0.25, 0.25}), logs({0.6, 0.2, 0.2}), 0);
    EXPECT_EQ(score.equalTop1, 1);
}

/// A window of made-up numbers.
WindowScore window(unsigned seed, int positions) {
    std::mt19937 random(seed);
    std::gamma_distribution<double> loss(2, 1);
    WindowScore score;
    for (int i = 0; i < positions; ++i) {
        score.referenceNll.push_back(loss(random));
        score.nll.push_back(score.referenceNll.back() + 0.01 * loss(random));
        score.kl.push_back(0.02 * loss(random));
    }
    score.equalTop1 = positions / 2;
    score.gate = {.decisions = 8L * positions, .kept = 12L * positions, .single = 4L * positions};
    score.tokensRead = positions;
    score.bytes = 1000L * positions;
    score.hits = 3L * positions;
    score.misses = positions;
    return score;
}

TEST(QualityTally, AgreesWithTheDefinitions) {
    QualityTally tally;
    std::vector<double> nll, ratio, kl;
    for (unsigned seed = 1; seed <= 4; ++seed) {
        const WindowScore score = window(seed, 250);
        tally.add(score);
        nll.insert(nll.end(), score.nll.begin(), score.nll.end());
        kl.insert(kl.end(), score.kl.begin(), score.kl.end());
        for (std::size_t i = 0; i < score.nll.size(); ++i)
            ratio.push_back(score.nll[i] - score.referenceNll[i]);
    }
    const auto mean = [](const std::vector<double>& values) {
        return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
    };
    const auto error = [&](const std::vector<double>& values) {
        double squares = 0;
        for (const double value : values)
            squares += (value - mean(values)) * (value - mean(values));
        const auto count = static_cast<double>(values.size());
        return std::sqrt(squares / count / (count - 1));
    };
    const QualityResult result = tally.result(2);
    EXPECT_EQ(result.windows, 4);
    EXPECT_EQ(result.tokensScored, 1000);
    EXPECT_NEAR(result.perplexity, std::exp(mean(nll)), 1e-9);
    EXPECT_NEAR(result.standardError, error(nll) * result.perplexity, 1e-9);
    EXPECT_NEAR(result.perplexityRatio, std::exp(mean(ratio)), 1e-9);
    EXPECT_NEAR(result.perplexityRatio, result.perplexity / result.baselinePerplexity, 1e-9);
    EXPECT_NEAR(result.perplexityRatioError, error(ratio) * result.perplexityRatio, 1e-9);
    EXPECT_NEAR(result.meanKl, mean(kl), 1e-9);
    EXPECT_NEAR(result.meanKlError, error(kl), 1e-9);
    std::sort(kl.begin(), kl.end());
    EXPECT_EQ(result.p99Kl, kl[989]);
    EXPECT_EQ(result.p99KlError, (kl[993] - kl[986]) / 2);
    EXPECT_EQ(result.equalTop1, 0.5);
    EXPECT_NEAR(result.equalTop1Error, std::sqrt(0.25 / 1000), 1e-12);
    EXPECT_EQ(result.meanExpertsPerTokenLayer, 1.5);
    EXPECT_EQ(result.singleExpertShare, 0.5);
    EXPECT_EQ(result.executionsCut, 0.25) << "half of the tokens single is a quarter fewer executions";
    EXPECT_EQ(result.bytesPerToken, 1000);
    EXPECT_EQ(result.hitRate, 0.75);
}

TEST(QualityTally, NothingScoredIsNothingSaid) {
    const QualityResult result = QualityTally().result(2);
    EXPECT_EQ(result.tokensScored, 0);
    EXPECT_EQ(result.hitRate, -1);
}

TEST(QualityTally, TheReferenceAgainstItselfCostsNothing) {
    WindowScore score;
    const auto row = logs({0.5, 0.3, 0.2});
    for (int i = 0; i < 10; ++i)
        score.add(row, row, i % 3);
    QualityTally tally;
    tally.add(score);
    const QualityResult result = tally.result(2);
    EXPECT_EQ(result.meanKl, 0);
    EXPECT_EQ(result.perplexityRatio, 1);
    EXPECT_EQ(result.perplexityRatioError, 0);
    EXPECT_EQ(result.equalTop1, 1);
    EXPECT_EQ(result.equalTop1Error, 0);
}

} // namespace
} // namespace moescope::app

#include "engine/calibrate/sensitivity.h"

#include <gtest/gtest.h>
#include <random>

namespace moescope::calibrate {
namespace {

/// T tokens, E = 2 numbers, k experts of 3, with made-up outputs.
ExpertsTape<float> madeUp(int tokens, int topK, std::mt19937& random) {
    ExpertsTape<float> tape;
    std::normal_distribution<float> normal(0, 1);
    tape.topK = topK;
    tape.input.shape(tokens, 2);
    tape.outputs.shape(tokens * topK, 2);
    for (float& value : tape.input.all())
        value = normal(random);
    for (float& value : tape.outputs.all())
        value = normal(random);
    for (int token = 0; token < tokens; ++token) {
        const auto first = static_cast<std::uint16_t>(random() % 3);
        for (int rank = 0; rank < topK; ++rank)
            tape.ids.push_back(static_cast<std::uint16_t>((first + rank) % 3));
        if (topK == 2)
            tape.weights.insert(tape.weights.end(), {0.7F, 0.3F});
        else
            tape.weights.insert(tape.weights.end(), {0.5F, 0.3F, 0.2F});
    }
    return tape;
}

TEST(Sensitivity, FormsAreTheirDefinitions) {
    std::mt19937 random(3);
    SensitivityMeter meter(1, 3);
    double paper = 0;
    double refined = 0;
    double pairSum = 0;
    double pairCount = 0;
    constexpr int kTokens = 40;
    for (int window = 0; window < 3; ++window) {
        const auto tape = madeUp(kTokens, 2, random);
        Rows<float> g(kTokens, 2);
        for (float& value : g.all())
            value = static_cast<float>(random() % 100) / 50.0F - 1.0F;
        meter.addGradient(0, tape, g);
        for (int token = 0; token < kTokens; ++token) {
            double own = 0;
            for (int i = 0; i < 2; ++i) {
                paper += std::pow(g.row(token)[i], 2);
                own += std::pow(g.row(token)[i] * (tape.outputs.row(2 * token)[i] - tape.outputs.row(2 * token + 1)[i]), 2);
            }
            refined += own;
            if (tape.expert(token, 0) == 1) {
                pairSum += own; // the second one is then expert 2
                pairCount += 1;
            }
        }
    }
    const LayerSensitivity& layer = meter.layer(0);
    EXPECT_NEAR(layer.paper.mean(), paper / 120, 1e-5);
    EXPECT_NEAR(layer.refined.mean(), refined / 120, 1e-5);
    EXPECT_GT(layer.refined.standardError(), 0);
    EXPECT_NEAR(layer.droppedSquare.mean(), 0.09, 1e-6);
    const auto pairs = layer.byPair();
    EXPECT_NEAR(pairs[1 * 3 + 2], (pairSum + 20 * refined / 120) / (pairCount + 20), 1e-4);
    EXPECT_NEAR(pairs[1 * 3 + 0], refined / 120, 1e-5) << "a pair that never occurred is the layer's mean";
    EXPECT_NEAR(layer.bySecond()[2], pairs[1 * 3 + 2], 1e-5) << "expert 2 is second only after expert 1";
    EXPECT_TRUE(meter.predictions().empty()) << "nothing was measured directly";
}

TEST(Sensitivity, DroppingRenormalisesTheKeptOnes) {
    std::mt19937 random(4);
    const auto tape = madeUp(5, 3, random);
    const Rows<float> renormalised = withoutLastExpert(tape, true);
    const Rows<float> plain = withoutLastExpert(tape, false);
    for (int token = 0; token < 5; ++token)
        for (int i = 0; i < 2; ++i) {
            const float first = tape.outputs.row(3 * token)[i];
            const float second = tape.outputs.row(3 * token + 1)[i];
            EXPECT_NEAR(renormalised.row(token)[i], tape.input.row(token)[i] + (0.5F * first + 0.3F * second) / 0.8F, 1e-5);
            EXPECT_NEAR(plain.row(token)[i], tape.input.row(token)[i] + 0.5F * first + 0.3F * second, 1e-5);
        }
}

TEST(Sensitivity, StandardErrorIsThatOfWindowMeans) {
    WindowMean mean;
    mean.add(10, 10);
    EXPECT_TRUE(std::isnan(mean.standardError()));
    mean.add(30, 10);
    EXPECT_DOUBLE_EQ(mean.mean(), 2);
    EXPECT_DOUBLE_EQ(mean.standardError(), 1) << "means 1 and 3: deviation sqrt(2), over sqrt(2)";
}

TEST(Sensitivity, RankCorrelationKnowsOrderAndTies) {
    const std::vector<double> up{1, 2, 3, 10};
    const std::vector<double> down{5, 4, 3, -2};
    const std::vector<double> flat{1, 1, 1, 1};
    const std::vector<double> tied{1, 2, 2, 3};
    EXPECT_DOUBLE_EQ(rankCorrelation(up, up), 1);
    EXPECT_DOUBLE_EQ(rankCorrelation(up, down), -1);
    EXPECT_DOUBLE_EQ(rankCorrelation(up, flat), 0);
    EXPECT_NEAR(rankCorrelation(up, tied), 0.9486833, 1e-6); // scipy.stats.spearmanr([1,2,3,10], [1,2,2,3])
}

} // namespace
} // namespace moescope::calibrate

// The plain forward pass against loops in double precision, and the reverse pass against finite differences of it.
#include "tests/engine/calibrate/tiny_network.h"
#include "tests/support/reference_model.h"

#include <gtest/gtest.h>

namespace moescope::calibrate {
namespace {

using tests::TinyNetwork;
using tests::tinyTokens;

constexpr tests::TinyModelShape kShape{.layers = 3, .experts = 6, .topK = 2, .context = 96, .seed = 3};

template <class Real>
void compareForward(const tests::TinyModelShape& shape, int tokens, double tolerance) {
    TinyNetwork<Real> tiny(shape);
    const auto ids = tinyTokens(tokens, 7);
    Tape<Real> tape;
    tiny.network.forward(ids, tape);
    const auto expected = tests::ReferenceModel(tiny.file, tiny.config).run(ids);
    for (int token = 0; token < tokens; ++token) {
        const auto& logits = expected.logits[static_cast<std::size_t>(token)];
        const double most = *std::max_element(logits.begin(), logits.end());
        double sum = 0;
        for (const double logit : logits)
            sum += std::exp(logit - most);
        for (std::size_t id = 0; id < logits.size(); ++id)
            ASSERT_NEAR(static_cast<double>(tape.logProbabilities.at(token)[id]), logits[id] - most - std::log(sum), tolerance)
                << "token " << token;
        for (std::size_t layer = 0; layer < tape.layers.size(); ++layer)
            for (std::size_t expert = 0; expert < static_cast<std::size_t>(shape.experts); ++expert)
                ASSERT_NEAR(static_cast<double>(tape.layers[layer].experts.probabilities.at(token)[expert]),
                            expected.router[layer][static_cast<std::size_t>(token)][expert], tolerance);
    }
}

TEST(Network, ForwardEqualsPlainLoops) {
    compareForward<double>(kShape, 90, 1e-9); // longer than a block of queries
    compareForward<double>({.layers = 1, .topK = 3, .seed = 9}, 1, 1e-9);
    compareForward<float>(kShape, 20, 2e-3);
}

TEST(Network, ExpertsReadOnDemandGiveTheSameNumbers) {
    TinyNetwork<double> kept(kShape);
    TinyNetwork<double> read(kShape, true, false);
    const auto ids = tinyTokens(20, 7);
    Tape<double> one;
    Tape<double> other;
    kept.network.forward(ids, one);
    read.network.forward(ids, other);
    EXPECT_TRUE(std::ranges::equal(one.logProbabilities.all(), other.logProbabilities.all()));
}

/// Loss when the residual stream behind `layer` (-1: the embeddings) is moved by `step` along `direction`.
double movedLoss(TinyNetwork<double>& tiny, const std::vector<std::int32_t>& ids, const Tape<double>& tape, int layer,
                 const Rows<double>& direction, double step) {
    const auto next = static_cast<std::size_t>(layer + 1);
    Rows<double> hidden = next < tape.layers.size() ? tape.layers[next].attention.input : tape.last;
    for (std::size_t i = 0; i < hidden.all().size(); ++i)
        hidden.all()[i] += step * direction.all()[i];
    Rows<double> logProbabilities;
    tiny.network.forwardFrom(layer, hidden, logProbabilities, &tape);
    return lossOf<double>(ids, logProbabilities);
}

/// Random directions over the whole window, and single elements.
Rows<double> direction(std::mt19937& random, int tokens, int width, int round) {
    std::normal_distribution<double> normal(0, 1);
    Rows<double> rows(tokens, width);
    if (round % 2 == 1) {
        rows.all()[random() % rows.all().size()] = 1;
        return rows;
    }
    for (double& value : rows.all())
        value = normal(random);
    return rows;
}

void checkGradients(const tests::TinyModelShape& shape, bool renormalise, int tokens) {
    TinyNetwork<double> tiny(shape, renormalise);
    const auto ids = tinyTokens(tokens, 11);
    Tape<double> tape;
    tiny.network.forward(ids, tape);
    std::vector<Rows<double>> gradients(static_cast<std::size_t>(shape.layers) + 1);
    gradients[0] = tiny.network.reverse(ids, tape, [&](int layer, const Rows<double>& gradient) {
        gradients[static_cast<std::size_t>(layer) + 1] = gradient;
        return true;
    });
    std::mt19937 random(17);
    for (int layer = -1; layer < shape.layers; ++layer)
        for (int round = 0; round < 8; ++round) {
            const Rows<double> along = direction(random, tokens, shape.hidden, round);
            constexpr double kStep = 1e-6; // the tiny model bends sharply
            const double slope =
                (movedLoss(tiny, ids, tape, layer, along, kStep) - movedLoss(tiny, ids, tape, layer, along, -kStep)) /
                (2 * kStep);
            const double exact = dot<double>(gradients[static_cast<std::size_t>(layer + 1)].all(), along.all());
            EXPECT_NEAR(exact, slope, 1e-5 * (1 + std::abs(slope))) << "layer " << layer << ", direction " << round;
        }
}

TEST(Network, GradientsEqualFiniteDifferences) {
    checkGradients(kShape, true, 70);
}

TEST(Network, GradientsOfThreeExpertsEqualFiniteDifferences) {
    checkGradients({.layers = 2, .heads = 4, .kvHeads = 4, .experts = 5, .topK = 3, .seed = 21}, true, 24);
}

TEST(Network, GradientsWithoutRenormalisationEqualFiniteDifferences) {
    checkGradients({.layers = 2, .kvHeads = 1, .experts = 5, .topK = 2, .seed = 22}, false, 24);
}

TEST(Network, TheReversePassStopsWhenAsked) {
    TinyNetwork<double> tiny(kShape);
    const auto ids = tinyTokens(8, 1);
    Tape<double> tape;
    tiny.network.forward(ids, tape);
    int calls = 0;
    const auto rest = tiny.network.reverse(ids, tape, [&](int layer, const Rows<double>&) {
        EXPECT_EQ(layer, kShape.layers - 1);
        return ++calls > 1;
    });
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(rest.count(), 0);
}

TEST(Network, BestOfPutsTheLowerIdFirstAmongEquals) {
    const std::vector<float> values{1, 3, 3, 2, 3};
    std::vector<std::uint16_t> best(4);
    bestOf<float>(values, best);
    EXPECT_EQ(best, (std::vector<std::uint16_t>{1, 2, 4, 3}));
}

} // namespace
} // namespace moescope::calibrate

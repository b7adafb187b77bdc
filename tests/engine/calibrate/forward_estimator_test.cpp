// Forward passes along random directions against the exact gradients of the same windows.
#include "engine/calibrate/forward_estimator.h"
#include "engine/calibrate/sensitivity.h"
#include "tests/engine/calibrate/tiny_network.h"

#include <gtest/gtest.h>

namespace moescope::calibrate {
namespace {

constexpr tests::TinyModelShape kShape{.layers = 2, .context = 16, .seed = 5};

TEST(ForwardEstimator, AgreesWithTheGradientsWithinItsError) {
    tests::TinyNetwork<float> tiny(kShape);
    std::vector<std::vector<std::int32_t>> windows;
    for (std::uint32_t seed = 0; seed < 6; ++seed)
        windows.push_back(tests::tinyTokens(12, 40 + seed));
    SensitivityMeter exact(kShape.layers, kShape.experts);
    Tape<float> tape;
    for (const auto& window : windows) {
        tiny.network.forward(window, tape);
        tiny.network.reverse(window, tape, [&](int layer, const Rows<float>& gradient) {
            exact.addGradient(layer, tape.layers[static_cast<std::size_t>(layer)].experts, gradient);
            return true;
        });
    }
    // The tiny model bends sharply, so steps are shorter than for a trained one.
    ForwardEstimator estimator(tiny.network, windows, {.relativeError = 0.04, .mostProbes = 6000, .step = 5e-4, .seed = 9});
    for (int layer = 0; layer < kShape.layers; ++layer) {
        const ProbedMean paper = estimator.paper(layer, [](int) { return true; });
        const ProbedMean refined = estimator.refined(layer, [](int) { return true; });
        EXPECT_TRUE(paper.reached);
        EXPECT_TRUE(refined.reached);
        EXPECT_LE(paper.standardError, 0.04 * paper.mean);
        EXPECT_NEAR(paper.mean, exact.layer(layer).paper.mean(), 4 * paper.standardError) << "layer " << layer;
        EXPECT_NEAR(refined.mean, exact.layer(layer).refined.mean(), 4 * refined.standardError) << "layer " << layer;
    }
}

TEST(ForwardEstimator, StopsWhenAskedAndNeedsWindows) {
    tests::TinyNetwork<float> tiny(kShape);
    const std::vector<std::vector<std::int32_t>> windows{tests::tinyTokens(12, 1)};
    ForwardEstimator estimator(tiny.network, windows, {});
    int probes = 0;
    estimator.paper(0, [&](int made) {
        probes = made;
        return made < 5;
    });
    EXPECT_EQ(probes, 5);
    const std::vector<std::vector<std::int32_t>> none;
    EXPECT_THROW(ForwardEstimator(tiny.network, none, {}), std::invalid_argument);
}

} // namespace
} // namespace moescope::calibrate

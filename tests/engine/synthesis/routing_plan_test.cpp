#include "engine/synthesis/routing_plan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace moescope::synthesis {
namespace {

TEST(Overlap, IsChanceWithoutCorrelationAndWholeWithIt) {
    EXPECT_NEAR(overlap(8, 2, 0), 2.0 / 8, 0.01);
    EXPECT_NEAR(overlap(128, 8, 0), 8.0 / 128, 0.01);
    EXPECT_DOUBLE_EQ(overlap(8, 2, 1), 1);
    EXPECT_LT(overlap(8, 2, 0.5), overlap(8, 2, 0.9));
}

TEST(Overlap, OfTheBestOfTwoIsTheArcsine) {
    // Sheppard: two correlated pairs agree in sign with the probability 1/2 + asin(c)/π.
    EXPECT_NEAR(overlap(2, 1, 0.6), 0.5 + std::asin(0.6) / 3.14159265, 0.02);
}

TEST(RoutingPlan, AimsAtWhatWasPublished) {
    for (const ModelShape& shape : knownShapes()) {
        const RoutingPlan plan = planRouting(shape);
        ASSERT_EQ(plan.layers.size(), static_cast<std::size_t>(shape.layers));
        for (std::size_t layer = 1; layer < plan.layers.size(); ++layer) {
            const auto& recall = shape.routing.recall;
            EXPECT_NEAR(plan.expectedRecall[layer], recall[layer * recall.size() / plan.layers.size()], 0.01) << shape.name;
            EXPECT_GT(plan.layers[layer].attentionPower, 0) << shape.name;
            EXPECT_GT(plan.layers[layer - 1].expertPower, 0) << shape.name;
        }
        // How fast reuse can change is bounded by recall, so the mean counts.
        const auto mean = [](const std::vector<double>& values) {
            return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
        };
        EXPECT_NEAR(mean(plan.expectedReuse), mean(shape.routing.reuse), 0.03) << shape.name;
        EXPECT_LT(plan.finalRms, 20) << shape.name;
        EXPECT_NEAR(std::accumulate(plan.kernel.begin(), plan.kernel.end(), 0.0), 1, 1e-9);
    }
}

TEST(RoutingPlan, WorksForFewerLayers) {
    ModelShape shape = shapeNamed("mixtral-8x7b");
    for (const int layers : {1, 2, 7}) {
        shape.layers = layers;
        EXPECT_EQ(planRouting(shape).expectedReuse.size(), static_cast<std::size_t>(layers));
    }
}

TEST(ModelShape, UnknownNamesAreRefusedWithTheKnownOnes) {
    try {
        (void)shapeNamed("gpt-2");
        FAIL();
    } catch (const std::invalid_argument& problem) {
        EXPECT_NE(std::string(problem.what()).find("mixtral-8x7b"), std::string::npos);
    }
}

} // namespace
} // namespace moescope::synthesis

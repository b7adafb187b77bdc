#include "engine/model/gguf_file.h"
#include "engine/policy/sensitivities.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <numeric>

namespace moescope::runtime {
namespace {

namespace fs = std::filesystem;

policy::Sensitivities readBundled() {
    return policy::readSensitivities(fs::path(MOESCOPE_SOURCE_DIR) / "resources/model/calibration.json");
}

TEST(BundledCalibration, WasMadeForTheBundledModel) {
    const auto calibration = readBundled();
    const model::GgufFile model(fs::path(MOESCOPE_SOURCE_DIR) / "resources/model/model-q8_0.gguf");
    EXPECT_EQ(calibration.modelHash, model.hash());
    EXPECT_EQ(calibration.modelName, "Tales-MoE 29M");
    const auto layers = model.integer("llama.block_count");
    ASSERT_TRUE(layers);
    EXPECT_EQ(policy::sensitivitiesFor(calibration, static_cast<int>(*layers), model.hash()).size(), 8U);
}

TEST(BundledCalibration, HoldsEveryForm) {
    const auto calibration = readBundled();
    EXPECT_EQ(calibration.paper.size(), 8U);
    ASSERT_TRUE(calibration.pairs);
    EXPECT_EQ(calibration.pairs->experts(), 8);
    EXPECT_EQ(calibration.directKl.size(), 8U);
    EXPECT_EQ(calibration.expertNorm.size(), 8U);
    EXPECT_EQ(calibration.secondShare.size(), 8U);
    EXPECT_EQ(calibration.recall.size(), 3U);
    for (const char* policy : {"lru", "lfu", "lcu", "weighted"})
        ASSERT_TRUE(calibration.hitCurves.contains(policy)) << policy;
    ASSERT_TRUE(calibration.firstLayer);
    EXPECT_EQ(calibration.firstLayer->hidden, 256);
    ASSERT_TRUE(calibration.decisions);
    EXPECT_GE(calibration.decisions->trace().size(), 4000U);
}

TEST(BundledCalibration, TheNextLayersGateForeseesMostOfIt) {
    // The published mean over the layers behind the first is 86.6 % on Mixtral (research dossier, section 5).
    const auto recall = readBundled().recall.front();
    EXPECT_GE(std::accumulate(recall.begin() + 1, recall.end(), 0.0) / 7, 0.88);
}

std::vector<std::size_t> order(const std::vector<double>& values) {
    std::vector<std::size_t> by(values.size());
    std::iota(by.begin(), by.end(), 0U);
    std::sort(by.begin(), by.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
    std::vector<std::size_t> ranks(values.size());
    for (std::size_t rank = 0; rank < by.size(); ++rank)
        ranks[by[rank]] = rank;
    return ranks;
}

/// Spearman's, without ties.
double rankCorrelation(const std::vector<double>& a, const std::vector<double>& b) {
    const auto ra = order(a);
    const auto rb = order(b);
    double squares = 0;
    for (std::size_t i = 0; i < ra.size(); ++i)
        squares += std::pow(static_cast<double>(ra[i]) - static_cast<double>(rb[i]), 2);
    const auto n = static_cast<double>(ra.size());
    return 1 - 6 * squares / (n * (n * n - 1));
}

TEST(BundledCalibration, IsThatOfAutomaticDifferentiation) {
    // PyTorch's, on the bfloat16 checkpoint and the same text; ours is of the Q8_0 file.
    const fs::path numbers = fs::path(MOESCOPE_SHARED_DIR) / "models/tales-moe/adapmoe-reference.json";
    if (!fs::exists(numbers))
        GTEST_SKIP() << "the reference is not in " << numbers;
    const auto reference = nlohmann::json::parse(std::ifstream(numbers))["calibration"];
    const auto calibration = readBundled();
    for (const auto& [name, ours] :
         {std::pair{"w_l", calibration.paper}, {"w_l_weighted_by_squared_expert_difference", calibration.refined}}) {
        const auto theirs = reference[name].get<std::vector<double>>();
        ASSERT_EQ(ours.size(), theirs.size());
        for (std::size_t layer = 0; layer < ours.size(); ++layer)
            EXPECT_NEAR(ours[layer] / theirs[layer], 1, 0.1) << name << " layer " << layer;
        EXPECT_GE(rankCorrelation(ours, theirs), 0.95) << name;
    }
}

TEST(BundledCalibration, SaysWhatGatesCost) {
    const auto calibration =
        policy::readSensitivities(std::filesystem::path(MOESCOPE_SOURCE_DIR) / "resources/model/calibration.json");
    ASSERT_EQ(calibration.costs.quantisation.size(), 2U);
    EXPECT_EQ(calibration.costs.quantisation[0].type, "Q8_0");
    EXPECT_EQ(calibration.costs.quantisation[1].type, "Q4_0");
    for (const char* gate : {"adapmoe-pair", "adapmoe", "adapmoe-paper", "score"}) {
        double experts = 3;
        for (const policy::GateCostPoint& point : calibration.costs.points)
            if (point.gate == gate) {
                EXPECT_LT(point.meanExperts, experts) << gate;
                experts = point.meanExperts;
            }
        EXPECT_LT(experts, 1.25) << gate;
    }
}

} // namespace
} // namespace moescope::runtime

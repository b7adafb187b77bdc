#include "engine/model/gguf_file.h"
#include "engine/policy/sensitivities.h"

#include <gtest/gtest.h>

namespace moescope::runtime {
namespace {

TEST(BundledCalibration, WasMadeForTheBundledModel) {
    const std::filesystem::path folder = std::filesystem::path(MOESCOPE_SOURCE_DIR) / "resources/model";
    const auto calibration = policy::readSensitivities(folder / "calibration.json");
    const model::GgufFile model(folder / "model-q8_0.gguf");
    EXPECT_EQ(calibration.modelHash, model.hash());
    const auto layers = model.integer("llama.block_count");
    ASSERT_TRUE(layers);
    EXPECT_EQ(policy::sensitivitiesFor(calibration, static_cast<int>(*layers), model.hash()).size(), 8U);
    EXPECT_EQ(calibration.paper.size(), 8U);
    ASSERT_FALSE(calibration.recall.empty());
    EXPECT_EQ(calibration.recall[0].size(), 8U);
}

} // namespace
} // namespace moescope::runtime

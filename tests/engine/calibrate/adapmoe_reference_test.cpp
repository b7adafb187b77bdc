// Sensitivities of the trained model against PyTorch's automatic differentiation of the same checkpoint on the same text
// (shared/models/tales-moe/adapmoe-reference.json: bf16 weights in float32, 48 windows of 512 tokens; fewer here).
#include "engine/calibrate/sensitivity.h"
#include "engine/calibrate/text_windows.h"

#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace moescope::calibrate {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kWindow = 512;
constexpr int kWindows = 12; ///< the reference's first ones
constexpr int kDirectWindows = 2;

/// Everything in one test, because the passes over the text take the time.
SensitivityMeter measure(const fs::path& modelPath, const std::string& text) {
    const model::GgufFile file(modelPath);
    const model::ModelConfig config = model::readModelConfig(file);
    const TextWindows cut = cutWindows(text, *model::makeTokenizer(file), kWindow, kWindow * kWindows);
    Weights<float> weights(file, config, true);
    Network<float> network(weights, kWindow);
    SensitivityMeter meter(config.layers, config.experts);
    Tape<float> tape;
    Rows<float> dropped;
    for (std::size_t window = 0; window < cut.windows.size(); ++window) {
        network.forward(cut.windows[window], tape);
        network.reverse(cut.windows[window], tape, [&](int layer, const Rows<float>& gradient) {
            meter.addGradient(layer, tape.layers[static_cast<std::size_t>(layer)].experts, gradient);
            return true;
        });
        for (int layer = 0; layer < config.layers && window < kDirectWindows; ++layer) {
            Rows<float> hidden = withoutLastExpert(tape.layers[static_cast<std::size_t>(layer)].experts, true);
            network.forwardFrom(layer, hidden, dropped);
            meter.addDirect(layer, tape.logProbabilities, dropped);
        }
    }
    return meter;
}

/// Within 10 % per layer, and in the same order.
void compare(const json& expected, const SensitivityMeter& meter, WindowMean LayerSensitivity::*form) {
    const std::vector<double> reference = expected;
    std::vector<double> measured;
    for (int layer = 0; layer < meter.layers(); ++layer)
        measured.push_back((meter.layer(layer).*form).mean());
    ASSERT_EQ(reference.size(), measured.size());
    for (std::size_t layer = 0; layer < reference.size(); ++layer)
        EXPECT_NEAR(measured[layer], reference[layer], 0.1 * reference[layer]) << "layer " << layer;
    EXPECT_GE(rankCorrelation(reference, measured), 0.95);
}

TEST(AdapmoeReference, SensitivitiesArePyTorchs) {
    const fs::path shared(MOESCOPE_SHARED_DIR);
    const fs::path model = shared / "models/tales-moe/model-f16.gguf";
    const fs::path text = shared / "data/eval/fables-heldout.txt";
    const fs::path numbers = shared / "models/tales-moe/adapmoe-reference.json";
    if (!fs::exists(model) || !fs::exists(text) || !fs::exists(numbers))
        GTEST_SKIP() << "the trained model, its reference or its text is not in " << shared;
    std::ifstream stream(text, std::ios::binary);
    const SensitivityMeter meter = measure(model, {std::istreambuf_iterator<char>(stream), {}});
    const json reference = json::parse(std::ifstream(numbers));
    compare(reference["calibration"]["w_l"], meter, &LayerSensitivity::paper);
    compare(reference["calibration"]["w_l_weighted_by_squared_expert_difference"], meter, &LayerSensitivity::refined);

    // The reference measured the KL on another text: its size differs with the text, its order hardly.
    const std::vector<double> direct = reference["direct_kl_drop_all_at_layer"];
    std::vector<double> measured;
    for (int layer = 0; layer < meter.layers(); ++layer)
        measured.push_back(meter.layer(layer).directKl.mean());
    EXPECT_GE(rankCorrelation(direct, measured), 0.8);
    for (const Prediction& form : meter.predictions()) {
        if (form.form == "w_l") {
            EXPECT_LT(form.rankCorrelation, 0);
        } else if (form.form == "refined" || form.form == "pair") {
            EXPECT_GT(form.rankCorrelation, 0.5) << form.form;
        }
    }
}

} // namespace
} // namespace moescope::calibrate

// The adaptive gate on the bundled model against shares that PyTorch found for the same rule, thresholds and text (float32
// there, Q8_0 here; 64 windows there, fewer here, hence the tolerance).
#include "engine/runtime/engine.h"
#include "tests/engine/expert/event_log.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <vector>

namespace moescope::runtime {
namespace {

constexpr int kLayers = 8;
constexpr std::size_t kWindow = 512;
constexpr std::size_t kWindows = 6;

struct Reference {
    const char* gate;
    double threshold;
    double singleShare;
    std::array<double, kLayers> perLayer;
};
// adapmoe-reference.json, rules "adapmoe weighted", "adapmoe w_l", "score" and "adapmoe pair-wise", target shares 0.25 and 0.5.
const std::vector<Reference> kReference{
    {"adapmoe", 0.009778098372360865, 0.247486, {.0840, .0652, .1995, .3534, .2310, .3842, .3264, .3362}},
    {"adapmoe", 0.02208920608893168, 0.493320, {.4915, .3540, .4969, .6337, .4191, .5520, .4997, .4995}},
    {"adapmoe-paper", 0.16511328599054698, 0.247997, {.0004, .0007, .0105, .1208, .1712, .4532, .5596, .6676}},
    {"adapmoe-paper", 0.6564485006262545, 0.495651, {.0919, .0519, .2199, .4984, .4866, .7394, .8771, 1.0}},
    {"score", 0.16576620904004047, 0.248672, {.0049, .0053, .0525, .2508, .2460, .4717, .4808, .4774}},
    {"score", 0.2907894076854157, 0.496037, {.1523, .1374, .3553, .6218, .5406, .7007, .7325, .7278}},
    {"adapmoe-pair", 0.008722106314807996, 0.244095, {.1280, .0920, .1652, .3271, .2344, .3701, .3132, .3226}},
    {"adapmoe-pair", 0.018767647744401823, 0.492271, {.5156, .4181, .5234, .5971, .4129, .5330, .4686, .4695}}};

class GateOnTheBundledModel : public testing::TestWithParam<std::string> {};

TEST_P(GateOnTheBundledModel, RunsOneExpertAsOftenAsTheReference) {
    const std::filesystem::path text = std::filesystem::path(MOESCOPE_SHARED_DIR) / "data/eval/tinystories-valid.txt";
    if (!std::filesystem::exists(text))
        GTEST_SKIP() << "the evaluation text is not here: " << text;
    std::ifstream stream(text);
    std::string head(20'000, '\0');
    stream.read(head.data(), static_cast<std::streamsize>(head.size()));

    const trace::SteadyClock clock;
    expert::EventLog log;
    EngineOptions options;
    options.model = std::filesystem::path(MOESCOPE_SOURCE_DIR) / "resources/model/model-q8_0.gguf";
    options.threads = 2;
    Engine engine(options, log, clock);
    if (GetParam() == "adapmoe-pair" && !engine.calibration().known().pairs)
        GTEST_SKIP() << "the bundled calibration has no pair-wise sensitivities";
    const auto tokens = engine.tokenize(head, true);
    ASSERT_GE(tokens.size(), kWindows * kWindow);
    for (const Reference& reference : kReference) {
        if (reference.gate != GetParam())
            continue;
        engine.post("gate", reference.gate);
        engine.post("gate-threshold", std::to_string(reference.threshold));
        log.clear();
        for (std::size_t window = 0; window < kWindows; ++window)
            engine.score(std::span(tokens).subspan(window * kWindow, kWindow), Engine::ScoreMode::Prefill,
                         [](int, std::span<const float>) { return true; });
        std::array<double, kLayers> single{};
        std::array<double, kLayers> decisions{};
        for (const auto& event : log.all<trace::ExpertsChosen>()) {
            const auto layer = static_cast<std::size_t>(event.layer.value);
            decisions[layer] += 1;
            single[layer] += event.kept == 1 ? 1 : 0;
        }
        double all = 0;
        for (std::size_t layer = 0; layer < kLayers; ++layer) {
            ASSERT_EQ(decisions[layer], kWindows * kWindow);
            const double share = single[layer] / decisions[layer];
            EXPECT_NEAR(share, reference.perLayer[layer], 0.04)
                << reference.gate << ", layer " << layer << " at " << reference.threshold;
            all += share / kLayers;
        }
        EXPECT_NEAR(all, reference.singleShare, 0.02) << reference.gate << " at " << reference.threshold;
    }
}

INSTANTIATE_TEST_SUITE_P(Gates, GateOnTheBundledModel, testing::Values("adapmoe", "adapmoe-paper", "score", "adapmoe-pair"),
                         [](const auto& instance) {
                             std::string name = instance.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

} // namespace
} // namespace moescope::runtime

// The adaptive gate on the bundled model against shares that PyTorch found for the same rule, thresholds and text (float32
// there, Q8_0 here; 64 windows there, fewer here, hence the tolerance).
#include "engine/runtime/engine.h"
#include "tests/engine/expert/event_log.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

namespace moescope::runtime {
namespace {

constexpr int kLayers = 8;
constexpr std::size_t kWindow = 512;
constexpr std::size_t kWindows = 6;

struct Reference {
    double threshold;
    double singleShare;
    std::array<double, kLayers> perLayer;
};
// adapmoe-reference.json, rule "adapmoe weighted", target shares 0.25 and 0.5.
constexpr std::array<Reference, 2> kReference{
    {{0.009778098372360865, 0.247486, {.0840, .0652, .1995, .3534, .2310, .3842, .3264, .3362}},
     {0.02208920608893168, 0.493320, {.4915, .3540, .4969, .6337, .4191, .5520, .4997, .4995}}}};

TEST(AdapmoeOnTheBundledModel, RunsOneExpertAsOftenAsTheReference) {
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
    options.settings.gate = "adapmoe";
    Engine engine(options, log, clock);
    const auto tokens = engine.tokenize(head, true);
    ASSERT_GE(tokens.size(), kWindows * kWindow);
    for (const Reference& reference : kReference) {
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
            EXPECT_NEAR(share, reference.perLayer[layer], 0.04) << "layer " << layer << " at " << reference.threshold;
            all += share / kLayers;
        }
        EXPECT_NEAR(all, reference.singleShare, 0.02);
    }
}

} // namespace
} // namespace moescope::runtime

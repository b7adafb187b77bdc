// Promise 4: neither cache nor prefetch nor link nor threads nor batches nor tracing change the tokens.
#include "tests/engine/runtime/run_capture.h"

#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace moescope::runtime {
namespace {

struct Way {
    std::string name;
    std::vector<std::pair<std::string, std::string>> settings;
    int threads = 1;
    int passTokens = 0;
    std::filesystem::path calibration{};
};

/// The bundled calibration with uneven hit curves for two cache policies, as `curves` needs them.
std::filesystem::path withCurves() {
    static const std::filesystem::path kFile = [] {
        std::ifstream bundled(tests::bundledModel().parent_path() / "calibration.json");
        auto json = nlohmann::json::parse(bundled);
        for (int layer = 0; layer < 8; ++layer) {
            std::vector<double> curve;
            for (int slots = 0; slots <= 8; ++slots)
                curve.push_back(std::pow(slots / 8.0, 0.2 + 0.1 * layer));
            for (const char* policy : {"lru", "lcu"})
                json["hit_curves"][policy][static_cast<std::size_t>(layer)] = curve;
        }
        // Test processes run side by side: each writes its own and moves it to the common name.
        const std::filesystem::path folder = testing::TempDir();
        const auto own = folder / fmt::format("moescope-curves-{}.json", getpid());
        std::ofstream(own) << json;
        std::filesystem::rename(own, folder / "moescope-curves.json");
        return folder / "moescope-curves.json";
    }();
    return kFile;
}

struct Emission {
    std::int32_t token;
    float logProbability;
    friend bool operator==(const Emission&, const Emission&) = default;
};

const GenerationRequest& request() {
    static const GenerationRequest kRequest = [] {
        auto made =
            tests::chatRequest({{ChatMessage::Role::User, "Tell me a story about a lost kite and a kind old man."}}, 60);
        made.sampling.temperature = 0.9F;
        made.sampling.seed = 3;
        return made;
    }();
    return kRequest;
}

std::vector<Emission> emissions(const Way& way) {
    tests::WatchedEngine watched({.model = tests::bundledModel(),
                                  .threads = way.threads,
                                  .settings = tests::settingsOf(way.settings),
                                  .calibration = way.calibration,
                                  .passTokens = way.passTokens});
    const Answer answer = watched.engine.answer(request());
    EXPECT_EQ(answer.problem, "");
    std::vector<Emission> found;
    for (const auto& token : watched.capture.all<trace::TokenEmitted>())
        found.push_back({token.event.tokenId, token.event.logProbability});
    return found;
}

const std::vector<Emission>& plainEmissions() {
    static const std::vector<Emission> kPlain = emissions({"plain", {}});
    return kPlain;
}

class LosslessTest : public testing::TestWithParam<Way> {};

TEST_P(LosslessTest, SameTokensBitForBit) {
    ASSERT_EQ(plainEmissions().size(), 60U);
    EXPECT_EQ(emissions(GetParam()), plainEmissions());
}

INSTANTIATE_TEST_SUITE_P(
    Ways, LosslessTest,
    testing::Values(
        Way{"OneSlotForAll", {{"cache-experts", "1"}, {"allocation", "global"}}},
        Way{"OneSlotPerLayer", {{"cache-experts", "8"}}}, Way{"SixteenSlotsLfu", {{"cache-experts", "16"}, {"cache", "lfu"}}},
        Way{"SixteenGlobalLfu", {{"cache-experts", "16"}, {"cache", "lfu"}, {"allocation", "global"}}, 2},
        Way{"ThirteenUneven", {{"cache-experts", "13"}}, 3},
        Way{"SixteenSlotsLcu", {{"cache-experts", "16"}, {"cache", "lcu"}}},
        Way{"TwentyGlobalLcu", {{"cache-experts", "20"}, {"cache", "lcu"}, {"allocation", "global"}}, 2},
        Way{"SixteenSlotsWeighted", {{"cache-experts", "16"}, {"cache", "weighted"}, {"cache-weights", "1,1,2"}}},
        Way{"NineGlobalWeighted", {{"cache-experts", "9"}, {"cache", "weighted"}, {"allocation", "global"}}, 2},
        Way{"AllocatedByAdapmoe",
            {{"cache-experts", "20"}, {"allocation", "adapmoe-dp"}, {"prefetch", "next-layer"}, {"cache", "lcu"}}},
        Way{"AllocatedByAdapmoeAlone", {{"cache-experts", "21"}, {"allocation", "adapmoe-dp"}}, 2},
        Way{"AllocatedByCurves", {{"cache-experts", "24"}, {"allocation", "curves"}}, 2, 0, withCurves()},
        Way{"AllocatedByCurvesLcu",
            {{"cache-experts", "17"}, {"allocation", "curves"}, {"cache", "lcu"}, {"prefetch", "next-layer"}},
            1,
            5,
            withCurves()},
        Way{"AdaptiveGateAtZero", {{"gate", "adapmoe-paper"}, {"cache-experts", "16"}}},
        Way{"AdaptiveGateOverriddenByZero",
            {{"gate", "adapmoe"}, {"gate-layers", "2:0"}, {"gate-phase", "decode"}, {"allocation", "global"}}},
        Way{"ControlGateAtZero", {{"gate", "random"}, {"gate-layers", "0-7:0"}, {"cache-experts", "8"}}},
        Way{"PrefetchOne", {{"cache-experts", "16"}, {"prefetch", "next-layer"}}},
        Way{"PrefetchTwo", {{"cache-experts", "24"}, {"prefetch", "next-layer"}, {"prefetch-depth", "2"}}, 2},
        Way{"PrefetchThreeRich",
            {{"cache-experts", "16"}, {"prefetch", "next-layer"}, {"prefetch-depth", "3"}, {"prefetch-budget-mb", "50"}}},
        Way{"PrefetchMeasuredBudget",
            {{"cache-experts", "20"}, {"prefetch", "next-layer"}, {"prefetch-budget-mb", "auto"}, {"link", "pcie4x16"}}},
        Way{"PrefetchEvictsAnything",
            {{"cache-experts", "12"}, {"prefetch", "next-layer"}, {"prefetch-spare-steps", "0"}, {"allocation", "global"}}},
        Way{"PrefetchSparesMuch",
            {{"cache-experts", "32"}, {"prefetch", "next-layer"}, {"prefetch-spare-steps", "3"}, {"cache", "lfu"}},
            2},
        Way{"PrefetchUnwatchedOnASaturatedLink",
            {{"cache-experts", "16"},
             {"prefetch", "next-layer"},
             {"prefetch-depth", "3"},
             {"prefetch-budget-mb", "5"},
             {"prefetch-watch", "off"},
             {"link", "0.4"}}},
        Way{"PrefetchWatchedOnASaturatedLink",
            {{"cache-experts", "16"},
             {"prefetch", "next-layer"},
             {"prefetch-depth", "3"},
             {"prefetch-budget-mb", "5"},
             {"link", "0.4"}}},
        Way{"PrefetchNotAtTheFirstLayer",
            {{"cache-experts", "24"}, {"prefetch", "next-layer"}, {"prefetch-first-layer", "off"}}},
        Way{"PrefetchGlobalOneSlot", {{"cache-experts", "1"}, {"allocation", "global"}, {"prefetch", "next-layer"}}},
        Way{"SlowLink", {{"cache-experts", "16"}, {"link", "pcie3x4"}, {"prefetch", "next-layer"}}, 2},
        Way{"MissesInPlace", {{"cache-experts", "16"}, {"miss-service", "cpu"}}, 2},
        Way{"MissesInPlaceWithGuesses",
            {{"cache-experts", "16"}, {"miss-service", "cpu"}, {"prefetch", "next-layer"}, {"link", "0.4"}}},
        Way{"MissesShared", {{"cache-experts", "16"}, {"miss-service", "hybrid"}, {"link", "1"}}, 2, 5},
        Way{"MissesSharedOneSlot",
            {{"cache-experts", "1"}, {"allocation", "global"}, {"miss-service", "hybrid"}, {"prefetch", "next-layer"}}},
        Way{"FastLinkAllResident", {{"link", "pcie5x16"}}}, Way{"TwoThreads", {}, 2}, Way{"ThreeThreads", {}, 3},
        Way{"TokenByToken", {}, 1, 1}, Way{"PassesOfThree", {{"cache-experts", "8"}}, 2, 3},
        Way{"PassesOfSeven", {{"prefetch", "next-layer"}}, 1, 7}),
    [](const auto& instance) { return instance.param.name; });

TEST(LosslessTracingTest, WithoutAnyTracerTheTextIsTheSame) {
    trace::NullTracer nobody;
    const trace::SteadyClock clock;
    Engine unwatched({.model = tests::bundledModel(), .threads = 1, .settings = {}, .calibration = {}}, nobody, clock);
    tests::WatchedEngine watched({.model = tests::bundledModel(), .threads = 1, .settings = {}, .calibration = {}});
    EXPECT_EQ(unwatched.answer(request()).text, watched.engine.answer(request()).text);
}

} // namespace
} // namespace moescope::runtime

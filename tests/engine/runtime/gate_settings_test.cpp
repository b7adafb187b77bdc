// Gates in the running engine: phases, layers, residency.
#include "tests/engine/runtime/run_capture.h"

#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>
#include <unistd.h>

namespace moescope::runtime {
namespace {

GenerationRequest request(int maxTokens) {
    return tests::chatRequest({{ChatMessage::Role::User, "Tell me a story about a small boat and the sea."}}, maxTokens);
}

nlohmann::json bundledCalibration() {
    std::ifstream bundled(tests::bundledModel().parent_path() / "calibration.json");
    return nlohmann::json::parse(bundled);
}

std::filesystem::path written(const nlohmann::json& calibration, const std::string& name) {
    // Test processes run side by side: each writes its own and moves it to the common name.
    const std::filesystem::path folder = testing::TempDir();
    const auto own = folder / fmt::format("moescope-{}-{}.json", name, getpid());
    std::ofstream(own) << calibration;
    const auto common = folder / fmt::format("moescope-{}.json", name);
    std::filesystem::rename(own, common);
    return common;
}

/// The bundled calibration with the same sensitivity for every pair.
std::filesystem::path withEvenPairs() {
    auto json = bundledCalibration();
    json["sensitivity"]["pair"] = std::vector(8, std::vector(8, std::vector<double>(8, 1.0)));
    return written(json, "pairs");
}

std::filesystem::path withoutHitCurves() {
    auto json = bundledCalibration();
    json.erase("hit_curves");
    return written(json, "no-curves");
}

std::unique_ptr<tests::WatchedEngine> watch(const std::vector<std::pair<std::string, std::string>>& settings,
                                            const std::filesystem::path& calibration = {}, int passTokens = 0) {
    return std::make_unique<tests::WatchedEngine>(EngineOptions{.model = tests::bundledModel(),
                                                                .threads = 2,
                                                                .settings = tests::settingsOf(settings),
                                                                .calibration = calibration,
                                                                .passTokens = passTokens});
}

TEST(GateSettings, APhaseIsLeftAlone) {
    for (const auto& [name, gated] : {std::pair{"decode", trace::Phase::Decode}, {"prefill", trace::Phase::Prefill}}) {
        const auto watched = watch({{"gate", "score"}, {"gate-threshold", "0.9"}, {"gate-phase", name}});
        watched->engine.answer(request(12));
        for (const auto& choice : watched->capture.all<trace::ExpertsChosen>())
            ASSERT_EQ(choice.event.kept, choice.event.phase == gated ? 1 : 2) << name;
    }
}

TEST(GateSettings, ALayerFollowsItsOwnThresholdFromTheNextToken) {
    const auto watched = watch({{"gate", "score"}, {"gate-layers", "3:0.9,6-7:0.9"}}, withoutHitCurves());
    watched->engine.answer(request(5));
    for (const auto& choice : watched->capture.all<trace::ExpertsChosen>()) {
        const int layer = choice.event.layer.value;
        ASSERT_EQ(choice.event.kept, layer == 3 || layer >= 6 ? 1 : 2) << layer;
    }
    watched->capture.clear();
    watched->engine.post("gate-layers", "0:0.9");
    watched->engine.answer(request(5));
    for (const auto& choice : watched->capture.all<trace::ExpertsChosen>())
        ASSERT_EQ(choice.event.kept, choice.event.layer.value == 0 ? 1 : 2);
    EXPECT_THROW(watched->engine.post("gate-layers", "8:1"), std::invalid_argument);
    EXPECT_THROW(watched->engine.post("allocation", "curves"), std::invalid_argument);
    EXPECT_EQ(watched->engine.settings().gateLayers, "0:0.9");
}

TEST(ResidencyGate, WithEverythingResidentNothingIsDropped) {
    const auto watched = watch({{"gate", "adapmoe-residency"}, {"gate-threshold", "100"}}, withEvenPairs());
    watched->engine.answer(request(10));
    for (const auto& choice : watched->capture.all<trace::ExpertsChosen>())
        ASSERT_EQ(choice.event.kept, 2);
}

TEST(ResidencyGate, WithABoundlessBudgetOnlyBestExpertsAreFetched) {
    const auto watched =
        watch({{"gate", "adapmoe-residency"}, {"gate-threshold", "100"}, {"cache-experts", "24"}}, withEvenPairs(), 1);
    watched->engine.answer(request(40));
    std::set<trace::ExpertKey> best; // of the token and layer at hand
    int both = 0;
    int single = 0;
    int misses = 0;
    for (const auto& entry : watched->capture.engineEntries()) {
        if (const auto* chosen = std::get_if<trace::ExpertsChosen>(&entry.event)) {
            const auto routing = trace::decodeRouting(*chosen, entry.payload);
            ASSERT_TRUE(routing);
            best = {trace::expertKey(chosen->layer.value, routing->ids[0])};
            (chosen->kept == 2 ? both : single) += 1;
        } else if (const auto* missed = std::get_if<trace::ExpertMissed>(&entry.event)) {
            ASSERT_TRUE(best.contains(missed->key));
            ++misses;
        }
    }
    EXPECT_GT(both, 50) << "resident seconds run";
    EXPECT_GT(single, 50);
    EXPECT_GT(misses, 8);
}

TEST(Allocation, GoesByTheGatesOfTheModelWhileRunning) {
    const auto watched = watch({{"cache-experts", "32"}, {"allocation", "adapmoe-dp"}, {"prefetch", "next-layer"}});
    watched->engine.answer(request(4));
    watched->engine.post("prefetch", "none");
    watched->engine.answer(request(4));
    const auto plans = watched->capture.all<trace::SlotsAllocated>();
    ASSERT_EQ(plans.size(), 16U);
    int first = 0;
    std::set<int> sizes;
    for (std::size_t layer = 0; layer < 8; ++layer) {
        first += plans[layer].event.slots;
        sizes.insert(plans[layer].event.slots);
        EXPECT_EQ(plans[layer + 8].event.slots, 4) << "without gate and prefetch nothing tells the layers apart";
    }
    EXPECT_EQ(first, 32);
    EXPECT_GT(sizes.size(), 1U) << "prefetching serves some layers better";
}

} // namespace
} // namespace moescope::runtime

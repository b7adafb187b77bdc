// Promise 4: neither cache nor prefetch nor link nor threads nor batches nor tracing change the tokens.
#include "tests/engine/runtime/run_capture.h"

#include <gtest/gtest.h>

namespace moescope::runtime {
namespace {

struct Way {
    std::string name;
    std::vector<std::pair<std::string, std::string>> settings;
    int threads = 1;
    int passTokens = 0;
};

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
                                  .calibration = {},
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
        Way{"PrefetchOne", {{"cache-experts", "16"}, {"prefetch", "next-layer"}}},
        Way{"PrefetchTwo", {{"cache-experts", "24"}, {"prefetch", "next-layer"}, {"prefetch-depth", "2"}}, 2},
        Way{"PrefetchThreeRich",
            {{"cache-experts", "16"}, {"prefetch", "next-layer"}, {"prefetch-depth", "3"}, {"prefetch-budget-mb", "50"}}},
        Way{"PrefetchGlobalOneSlot", {{"cache-experts", "1"}, {"allocation", "global"}, {"prefetch", "next-layer"}}},
        Way{"SlowLink", {{"cache-experts", "16"}, {"link", "pcie3x4"}, {"prefetch", "next-layer"}}, 2},
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

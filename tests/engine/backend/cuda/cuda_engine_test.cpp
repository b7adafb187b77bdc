// The bundled model on the GPU: the reference's tokens, the CPU's logits, and promise 4 for offloading that is real.
#include "tests/engine/backend/cuda/gpu_arrays.h"
#include "tests/engine/runtime/run_capture.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

namespace moescope::runtime {
namespace {

using nlohmann::json;

EngineOptions optionsFor(const std::string& backend, const Settings& settings = {}) {
    EngineOptions options;
    options.model = tests::bundledModel();
    options.threads = 2;
    options.settings = settings;
    options.backend = backend;
    return options;
}

const json& prompts() {
    static const json kReference =
        json::parse(std::ifstream(std::filesystem::path(MOESCOPE_SOURCE_DIR) / "tests/data/reference-transformers.json"));
    return kReference["prompts"];
}

std::vector<std::vector<float>> logitsOf(const EngineOptions& options, const std::vector<std::int32_t>& ids,
                                         Engine::ScoreMode mode) {
    tests::WatchedEngine watched(options);
    std::vector<std::vector<float>> all;
    watched.engine.score(ids, mode, [&](int, std::span<const float> logits) {
        all.emplace_back(logits.begin(), logits.end());
        return true;
    });
    return all;
}

/// ||a - b|| / ||b||
double distance(const std::vector<float>& a, const std::vector<float>& b) {
    double difference = 0;
    double norm = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference += std::pow(double{a[i]} - double{b[i]}, 2);
        norm += std::pow(double{b[i]}, 2);
    }
    return std::sqrt(difference / norm);
}

void compareWithCpu(const std::filesystem::path& model, const std::vector<std::int32_t>& ids, double limit) {
    EngineOptions cpu = optionsFor("cpu");
    EngineOptions gpu = optionsFor("cuda");
    cpu.model = gpu.model = model;
    const auto expected = logitsOf(cpu, ids, Engine::ScoreMode::Decode);
    const auto decoded = logitsOf(gpu, ids, Engine::ScoreMode::Decode);
    EXPECT_EQ(logitsOf(gpu, ids, Engine::ScoreMode::Prefill), decoded);
    double worst = 0;
    for (std::size_t position = 0; position < ids.size(); ++position)
        worst = std::max(worst, distance(decoded[position], expected[position]));
    EXPECT_LE(worst, limit);
    testing::Test::RecordProperty("relative_difference", std::to_string(worst));
    std::printf("largest relative difference of logits over %zu positions: %.2e (limit %.0e)\n", ids.size(), worst, limit);
}

class CudaPromptTest : public testing::TestWithParam<int> {
protected:
    const json& prompt() const { return prompts()[static_cast<std::size_t>(GetParam())]; }
};

TEST_P(CudaPromptTest, GreedyAnswerHasTheReferences48Tokens) {
    MOESCOPE_NEEDS_GPU();
    tests::WatchedEngine watched(optionsFor("cuda"));
    const std::vector<std::int32_t> whole = prompt()["greedy_48"];
    const std::size_t read = prompt()["ids"].size();
    watched.engine.answer(tests::rawRequest(prompt()["text"], static_cast<int>(whole.size() - read)));
    EXPECT_EQ(watched.emittedIds(), std::vector<std::int32_t>(whole.begin() + static_cast<std::ptrdiff_t>(read), whole.end()));
}

TEST_P(CudaPromptTest, LogitsAreThoseOfTheCpu) {
    MOESCOPE_NEEDS_GPU();
    compareWithCpu(tests::bundledModel(), prompt()["ids"], 1e-2);
}

TEST_P(CudaPromptTest, LogitsOfTheF16ModelAreThoseOfTheCpu) {
    MOESCOPE_NEEDS_GPU();
    const auto model = std::filesystem::path(MOESCOPE_SHARED_DIR) / "models/tales-moe/model-f16.gguf";
    if (!std::filesystem::exists(model))
        GTEST_SKIP() << "No " << model;
    compareWithCpu(model, prompt()["ids"], 1e-3);
}

INSTANTIATE_TEST_SUITE_P(Prompts, CudaPromptTest, testing::Range(0, 4));

struct Way {
    std::string name;
    std::vector<std::pair<std::string, std::string>> settings;
    std::string hostMemory = "pinned";
    int passTokens = 0;
};

struct Told {
    std::vector<std::pair<std::int32_t, float>> emitted;
    std::vector<trace::TransferSpan> transfers;
    std::int64_t missed = 0;
    std::int64_t inPlace = 0;
};

Told tell(const Way& way) {
    EngineOptions options = optionsFor("cuda", tests::settingsOf(way.settings));
    options.hostMemory = way.hostMemory;
    options.passTokens = way.passTokens;
    auto request = tests::chatRequest({{ChatMessage::Role::User, "Tell me a story about a lost kite and a kind old man."}}, 60);
    request.sampling.temperature = 0.9F;
    request.sampling.seed = 3;
    auto watched = std::make_unique<tests::WatchedEngine>(options);
    const std::size_t filled = watched->capture.all<trace::TransferSpan>().size();
    const Answer answer = watched->engine.answer(request);
    EXPECT_EQ(answer.problem, "");
    Told told;
    for (const auto& token : watched->capture.all<trace::TokenEmitted>())
        told.emitted.emplace_back(token.event.tokenId, token.event.logProbability);
    for (const auto& span : watched->capture.all<trace::TransferSpan>())
        told.transfers.push_back(span.event);
    told.transfers.erase(told.transfers.begin(), told.transfers.begin() + static_cast<std::ptrdiff_t>(filled));
    told.inPlace = static_cast<std::int64_t>(watched->capture.all<trace::InPlaceSpan>().size());
    told.missed = static_cast<std::int64_t>(watched->capture.all<trace::ExpertMissed>().size());
    return told;
}

class CudaLosslessTest : public testing::TestWithParam<Way> {};

TEST_P(CudaLosslessTest, SameTokensBitForBitAndRealTransfers) {
    MOESCOPE_NEEDS_GPU();
    static const Told kPlain = tell({"plain", {}});
    ASSERT_EQ(kPlain.emitted.size(), 60U);
    EXPECT_TRUE(kPlain.transfers.empty());
    const Told told = tell(GetParam());
    EXPECT_EQ(told.emitted, kPlain.emitted);
    const auto sharing = [](const auto& setting) { return setting.first == "miss-service"; };
    if (std::any_of(GetParam().settings.begin(), GetParam().settings.end(), sharing)) {
        EXPECT_GT(told.inPlace, 0);
        EXPECT_LE(told.inPlace, told.missed);
    } else {
        EXPECT_EQ(told.inPlace, 0);
    }
    const bool capped = std::any_of(GetParam().settings.begin(), GetParam().settings.end(),
                                    [](const auto& setting) { return setting.first == "link"; });
    for (const trace::TransferSpan& span : told.transfers) {
        EXPECT_EQ(span.emulated, capped);
        EXPECT_LE(span.begin, span.end);
        if (span.outcome == trace::TransferOutcome::Completed) {
            EXPECT_EQ(span.bytes, 3 * 512 * 272);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    Ways, CudaLosslessTest,
    testing::Values(
        Way{"AllResidentWithGuesses", {{"prefetch", "next-layer"}, {"prefetch-depth", "3"}}},
        Way{"AllResidentChosenOnTheHost", {{"gate", "ratio"}, {"gate-threshold", "0"}}},
        Way{"OneSlotForAll", {{"cache-experts", "1"}, {"allocation", "global"}}},
        Way{"OneSlotPerLayer", {{"cache-experts", "8"}}}, Way{"SixteenSlotsLfu", {{"cache-experts", "16"}, {"cache", "lfu"}}},
        Way{"ThirteenUneven", {{"cache-experts", "13"}}},
        Way{"SixteenMapped", {{"cache-experts", "16"}, {"prefetch", "next-layer"}}, "mapped"},
        Way{"SixteenPageable", {{"cache-experts", "16"}, {"prefetch", "next-layer"}}, "pageable"},
        Way{"PrefetchThreeRich",
            {{"cache-experts", "16"}, {"prefetch", "next-layer"}, {"prefetch-depth", "3"}, {"prefetch-budget-mb", "50"}}},
        Way{"PrefetchGlobalOneSlot", {{"cache-experts", "1"}, {"allocation", "global"}, {"prefetch", "next-layer"}}},
        Way{"SlowLink", {{"cache-experts", "16"}, {"link", "pcie3x4"}, {"prefetch", "next-layer"}}},
        Way{"MissesInPlace", {{"cache-experts", "16"}, {"miss-service", "cpu"}}},
        Way{"MissesInPlaceMappedWithGuesses",
            {{"cache-experts", "16"}, {"miss-service", "cpu"}, {"prefetch", "next-layer"}},
            "mapped"},
        Way{"MissesShared", {{"cache-experts", "16"}, {"miss-service", "hybrid"}, {"prefetch", "next-layer"}}},
        Way{"MissesSharedSlowLink", {{"cache-experts", "8"}, {"miss-service", "hybrid"}, {"link", "pcie3x4"}}, "pageable", 7},
        Way{"PassesOfSeven", {{"cache-experts", "24"}, {"prefetch", "next-layer"}}, "pinned", 7}),
    [](const auto& instance) { return instance.param.name; });

TEST(CudaEngineTest, TheBudgetMayChangeBetweenTokens) {
    MOESCOPE_NEEDS_GPU();
    tests::WatchedEngine watched(optionsFor("cuda", tests::settingsOf({{"cache-experts", "40"}})));
    tests::WatchedEngine plain(optionsFor("cuda"));
    const auto request = tests::rawRequest("Once upon a time", 30);
    for (const char* slots : {"9", "64", "16", "0"}) {
        watched.engine.post("cache-experts", slots);
        watched.engine.forgetContext();
        plain.engine.forgetContext();
        EXPECT_EQ(watched.engine.answer(request).text, plain.engine.answer(request).text) << slots;
    }
}

TEST(CudaEngineTest, WithoutAGpuItSaysWhatIsMissing) {
    if (!backend::cudaProblem())
        GTEST_SKIP() << "This machine has a GPU.";
    try {
        tests::WatchedEngine watched(optionsFor("cuda"));
        FAIL() << "accepted";
    } catch (const std::runtime_error& refusal) {
        EXPECT_EQ(refusal.what(), *backend::cudaProblem());
    }
    const tests::WatchedEngine watched(optionsFor("auto"));
    EXPECT_EQ(watched.engine.backendName().substr(0, 3), "CPU");
    EXPECT_EQ(watched.engine.backendNote(), *backend::cudaProblem() + " The processor computes.");
}

} // namespace
} // namespace moescope::runtime

// The bundled model against transformers in float32 (tests/data/reference-transformers.json).
#include "tests/engine/runtime/run_capture.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace moescope::runtime {
namespace {

using nlohmann::json;

const json& reference() {
    static const json kReference =
        json::parse(std::ifstream(std::filesystem::path(MOESCOPE_SOURCE_DIR) / "tests/data/reference-transformers.json"));
    return kReference;
}

double logSumExp(std::span<const float> logits) {
    const double most = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits)
        sum += std::exp(double{logit} - most);
    return most + std::log(sum);
}

struct Limits {
    double router;       ///< of every probability at the last position
    double lastLogSum;   ///< of log-sum-exp at the last position
    double medianLogSum; ///< of its difference over all positions
    double anyLogSum;    ///< at the worst position
};

/// Feeds a prompt and compares everything that the reference knows about it.
void compare(tests::WatchedEngine& watched, const json& prompt, Engine::ScoreMode mode, const Limits& limits) {
    const std::vector<std::int32_t> ids = prompt["ids"];
    EXPECT_EQ(watched.engine.tokenize(prompt["text"].get<std::string>(), true), ids);
    watched.capture.clear();
    std::vector<double> differences;
    watched.engine.score(ids, mode, [&](int position, std::span<const float> logits) {
        const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
        EXPECT_EQ(best, prompt["top5"][static_cast<std::size_t>(position)][0][0].get<int>()) << "position " << position;
        differences.push_back(
            std::abs(logSumExp(logits) - prompt["logsumexp"][static_cast<std::size_t>(position)].get<double>()));
        return true;
    });
    ASSERT_EQ(differences.size(), ids.size());
    EXPECT_LE(differences.back(), limits.lastLogSum);
    std::sort(differences.begin(), differences.end());
    EXPECT_LE(differences[differences.size() / 2], limits.medianLogSum);
    EXPECT_LE(differences.back(), limits.anyLogSum);
    const auto choices = watched.capture.all<trace::ExpertsChosen>();
    const std::int32_t last = choices.back().event.token.value;
    int layers = 0;
    for (const auto& choice : choices) {
        if (choice.event.token.value != last)
            continue;
        const auto routing = trace::decodeRouting(choice.event, choice.payload);
        ASSERT_TRUE(routing);
        const auto& expected = prompt["router_softmax_last"][static_cast<std::size_t>(choice.event.layer.value)];
        for (std::size_t expert = 0; expert < routing->gate.size(); ++expert)
            EXPECT_NEAR(routing->gate[expert], expected[expert].get<double>(), limits.router)
                << "layer " << choice.event.layer.value;
        ++layers;
    }
    EXPECT_EQ(layers, watched.engine.facts().layers);
}

// One position in 77 is off by 0.18 for any Q8_0 engine: the same file with its weights decoded to float64 and every product in
// double differs by 0.180 there, because a rounded weight turns a close choice of experts.
constexpr Limits kQ8{2e-2, 0.05, 0.02, 0.19};
constexpr Limits kF16{5e-3, 0.01, 0.001, 0.01};

class ReferenceTest : public testing::TestWithParam<int> {};

TEST_P(ReferenceTest, Q8ModelAgreesReadTokenByTokenAndInBatches) {
    tests::WatchedEngine watched({.model = tests::bundledModel(), .threads = 2, .settings = {}, .calibration = {}});
    const json& prompt = reference()["prompts"][static_cast<std::size_t>(GetParam())];
    compare(watched, prompt, Engine::ScoreMode::Decode, kQ8);
    compare(watched, prompt, Engine::ScoreMode::Prefill, kQ8);
}

TEST_P(ReferenceTest, F16ModelAgreesClosely) {
    const auto model = std::filesystem::path(MOESCOPE_SHARED_DIR) / "models/tales-moe/model-f16.gguf";
    if (!std::filesystem::exists(model))
        GTEST_SKIP() << "No " << model;
    tests::WatchedEngine watched({.model = model, .threads = 1, .settings = {}, .calibration = {}});
    const json& prompt = reference()["prompts"][static_cast<std::size_t>(GetParam())];
    compare(watched, prompt, Engine::ScoreMode::Decode, kF16);
    compare(watched, prompt, Engine::ScoreMode::Prefill, kF16);
}

TEST_P(ReferenceTest, GreedyAnswerHasTheSame48Tokens) {
    tests::WatchedEngine watched({.model = tests::bundledModel(), .threads = 1, .settings = {}, .calibration = {}});
    const json& prompt = reference()["prompts"][static_cast<std::size_t>(GetParam())];
    const std::vector<std::int32_t> whole = prompt["greedy_48"];
    const std::size_t read = prompt["ids"].size();
    watched.engine.answer(tests::rawRequest(prompt["text"], static_cast<int>(whole.size() - read)));
    EXPECT_EQ(watched.emittedIds(), std::vector<std::int32_t>(whole.begin() + static_cast<std::ptrdiff_t>(read), whole.end()));
}

INSTANTIATE_TEST_SUITE_P(Prompts, ReferenceTest, testing::Range(0, 4));

} // namespace
} // namespace moescope::runtime

// Windows, routing counts, hit curves, predictor and file on a made-up model: each against a count by hand.
#include "engine/calibrate/calibration_file.h"
#include "engine/calibrate/text_windows.h"
#include "engine/policy/cache_policy.h"
#include "engine/policy/sensitivities.h"
#include "tests/engine/calibrate/tiny_network.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <random>

namespace moescope::calibrate {
namespace {

using nlohmann::json;
using tests::TinyNetwork;
using tests::tinyTokens;

constexpr tests::TinyModelShape kShape{.layers = 3, .experts = 5, .context = 32, .seed = 6};

TEST(TextWindows, DocumentsAreStrippedAndStandBetweenBosAndEos) {
    TinyNetwork<float> tiny(kShape);
    const auto tokenizer = model::makeTokenizer(tiny.file);
    const auto cut = cutWindows(" hello world\n<|endoftext|>\n\n<|endoftext|>\nworld ", *tokenizer, 3, 100);
    std::vector<std::int32_t> expected = tokenizer->encode("hello world", true, false);
    EXPECT_EQ(expected.front(), tokenizer->bos());
    expected.push_back(tokenizer->eos());
    for (const std::int32_t token : tokenizer->encode("world", true, false))
        expected.push_back(token);
    expected.push_back(tokenizer->eos());
    EXPECT_EQ(cut.textTokens, static_cast<std::int64_t>(expected.size()));
    std::vector<std::int32_t> joined;
    for (const auto& window : cut.windows)
        joined.insert(joined.end(), window.begin(), window.end());
    expected.resize(expected.size() / 3 * 3);
    EXPECT_EQ(joined, expected);
    EXPECT_EQ(cut.tokens, static_cast<std::int64_t>(expected.size()));
    EXPECT_THROW(cutWindows("hello", *tokenizer, 64, 1000), std::runtime_error);
}

class OnTinyModel : public testing::Test {
protected:
    OnTinyModel() {
        for (std::uint32_t seed = 0; seed < 5; ++seed)
            windows.push_back(tinyTokens(24, 70 + seed));
        plan.directTokens = 48;
        plan.training.epochs = 3;
    }
    Calibration measure() {
        auto result = runCalibration(tiny.weights, windows, plan, [](std::string_view, double) { return true; });
        EXPECT_TRUE(result.has_value());
        return std::move(*result);
    }
    CalibrationOrigin origin() const {
        return {.facts = model::readModelFacts(tiny.file, tiny.config),
                .text = "made up.txt",
                .createdUtc = "2026-11-22T10:00:00Z",
                .program = "test",
                .windowTokens = 24,
                .windows = 5};
    }
    TinyNetwork<float> tiny{kShape};
    std::vector<std::vector<std::int32_t>> windows;
    CalibrationPlan plan;
};

TEST_F(OnTinyModel, RoutingIsWhatTheTapesSay) {
    const Calibration calibration = measure();
    EXPECT_EQ(calibration.tokens, 5 * 24);
    Tape<float> tape;
    std::vector<std::int64_t> usage(5);
    std::int64_t reused = 0;
    std::int64_t fromTwoToThree = 0;
    std::int64_t fromTwo = 0;
    for (const auto& window : windows) {
        tiny.network.forward(window, tape);
        const auto& layer = tape.layers[1].experts;
        const auto has = [&](int token, int expert) {
            return layer.expert(token, 0) == expert || layer.expert(token, 1) == expert;
        };
        for (int token = 0; token < 24; ++token)
            for (int expert = 0; expert < 5; ++expert) {
                usage[static_cast<std::size_t>(expert)] += has(token, expert) ? 1 : 0;
                reused += token > 0 && has(token, expert) && has(token - 1, expert) ? 1 : 0;
            }
        for (int token = 0; token + 1 < 24; ++token) {
            fromTwo += has(token, 2) ? 1 : 0;
            fromTwoToThree += has(token, 2) && has(token + 1, 3) ? 1 : 0;
        }
    }
    const LayerRouting& routing = calibration.routing[1];
    EXPECT_EQ(routing.usage, usage);
    EXPECT_NEAR(routing.reuse(), static_cast<double>(reused) / (2 * 23 * 5), 1e-12);
    EXPECT_EQ(routing.transitions[2 * 5 + 3], fromTwoToThree);
    EXPECT_EQ(routing.followed[2], fromTwo);
    const auto quantiles = routing.secondWeightQuantiles();
    ASSERT_EQ(quantiles.size(), static_cast<std::size_t>(kWeightQuantiles));
    EXPECT_TRUE(std::ranges::is_sorted(quantiles));
    EXPECT_GE(quantiles.front(), 0);
    EXPECT_LE(quantiles.back(), 0.5);
}

TEST_F(OnTinyModel, GateRecallIsThatOfTheNextRouterOnThisInput) {
    const Calibration calibration = measure();
    Tape<float> tape;
    double found = 0;
    for (const auto& window : windows) {
        tiny.network.forward(window, tape);
        for (int token = 0; token < 24; ++token) {
            std::vector<float> logits(5);
            for (std::size_t expert = 0; expert < 5; ++expert)
                for (std::size_t i = 0; i < 32; ++i)
                    logits[expert] +=
                        tiny.weights.dense(2).router[expert * 32 + i] * tape.layers[0].experts.normed.at(token)[i];
            std::vector<std::uint16_t> best(2);
            bestOf<float>(logits, best);
            for (int rank = 0; rank < 2; ++rank)
                found += std::ranges::find(best, tape.layers[2].experts.expert(token, rank)) != best.end() ? 1 : 0;
        }
    }
    EXPECT_NEAR(calibration.routing[2].plainRecall[1].slotRecall(), found / (2 * 24 * 5), 1e-3) << "two layers ahead";
    EXPECT_EQ(calibration.routing[1].plainRecall[1].asked, 0) << "there is no layer two before layer 1";
}

TEST_F(OnTinyModel, HitCurvesRiseToAllButTheFirstTouches) {
    const Calibration calibration = measure();
    ASSERT_EQ(calibration.hitCurves.size(), policy::cachePolicyNames().size());
    for (const HitCurves& curves : calibration.hitCurves)
        for (std::size_t layer = 0; layer < 3; ++layer) {
            ASSERT_EQ(curves.rates[layer].size(), 6U) << "0 to all 5 slots";
            EXPECT_EQ(curves.rates[layer][0], 0);
            const auto used = std::ranges::count_if(calibration.routing[layer].usage, [](auto count) { return count > 0; });
            EXPECT_NEAR(curves.rates[layer][5], 1 - static_cast<double>(used) / (2.0 * 24 * 5), 1e-12) << curves.policy;
            if (curves.policy == "lru") {
                EXPECT_TRUE(std::ranges::is_sorted(curves.rates[layer])) << "lru is a stack algorithm";
            }
        }
}

TEST_F(OnTinyModel, TheFileIsReadByThePoliciesAndRefusedForAnotherModel) {
    const Calibration calibration = measure();
    const std::string text = calibrationJson(calibration, origin());
    const policy::Sensitivities read = policy::parseSensitivities(text, "made up.json");
    ASSERT_EQ(read.refined.size(), 3U);
    EXPECT_NEAR(read.refined[1], calibration.sensitivity.layer(1).refined.mean(), 1e-5 * read.refined[1]);
    EXPECT_EQ(&policy::sensitivitiesFor(read, 3, tiny.file.hash()), &read.refined);
    try {
        policy::sensitivitiesFor(read, 3, "0123456789abcdef");
        FAIL() << "another model's calibration was accepted";
    } catch (const std::runtime_error& refusal) {
        EXPECT_THAT(refusal.what(), testing::HasSubstr("0123456789abcdef"));
    }
    ASSERT_TRUE(read.firstLayer);
    EXPECT_EQ(read.firstLayer->hidden, 32);
    EXPECT_EQ(read.firstLayer->experts, 5);
    EXPECT_NEAR(read.firstLayer->weights[32 + 3], calibration.firstLayer.weights.at(1)[3], 1e-5);
    ASSERT_TRUE(read.decisions);
    EXPECT_EQ(read.decisions->ids, calibration.decisions.ids);
    EXPECT_EQ(read.decisions->tokens(), 120U) << "a short text is kept whole";
    const json root = json::parse(text);
    EXPECT_EQ(root["tokens"], 120);
    EXPECT_EQ(root["text"], "made up.txt");
    EXPECT_EQ(root["sensitivity"]["pair"][2][4].size(), 5U);
    EXPECT_EQ(root["sensitivity"]["direct_kl_tokens"], 48);
    EXPECT_EQ(root["prefetch_recall"].size(), 2U) << "three layers see two ahead";
    EXPECT_EQ(root["first_layer_gate"]["weights"].size(), 5U);
    EXPECT_EQ(root["first_layer_gate"]["weights"][0].size(), 32U);
    EXPECT_EQ(root["first_layer_gate"]["held_out_tokens"], 23) << "one window of five";
}

TEST_F(OnTinyModel, ForwardPassesAloneGiveTheLayerForms) {
    plan.method = Method::Forward;
    plan.probes = {.relativeError = 0.2, .mostProbes = 400, .step = 5e-4, .seed = 2};
    const json root = json::parse(calibrationJson(measure(), origin()));
    EXPECT_EQ(root["sensitivity"]["refined"].size(), 3U);
    EXPECT_EQ(root["sensitivity"]["paper_probes"].size(), 3U);
    EXPECT_FALSE(root["sensitivity"].contains("pair"));
    EXPECT_NO_THROW(policy::parseSensitivities(root.dump(), "made up.json"));
}

TEST_F(OnTinyModel, CanBeStoppedAnywhereAndRepeatsItself) {
    for (const double until : {0.0, 0.3, 0.9})
        EXPECT_FALSE(runCalibration(tiny.weights, windows, plan, [&](std::string_view, double share) {
                         return share < until;
                     }).has_value());
    double last = 0;
    const auto result = runCalibration(tiny.weights, windows, plan, [&](std::string_view, double share) {
        EXPECT_GE(share, last);
        last = share;
        return true;
    });
    EXPECT_NEAR(last, 1, 1e-6);
    EXPECT_EQ(calibrationJson(*result, origin()), calibrationJson(measure(), origin()));
}

TEST(FirstLayerPredictor, LearnsALinearGateAndSaysWhatItIsWorth) {
    // Inputs and gates that a linear gate can tie together perfectly; the previous token and the usual experts cannot.
    constexpr int kHidden = 16;
    constexpr int kExperts = 6;
    std::mt19937 random(8);
    std::normal_distribution<float> normal(0, 1);
    std::vector<float> truth(kHidden * kExperts);
    for (float& value : truth)
        value = normal(random);
    FirstLayerPredictor predictor(kHidden, kExperts, 2);
    for (int window = 0; window < 10; ++window) {
        Tape<float> tape;
        tape.layers.resize(1);
        tape.normed.shape(60, kHidden);
        tape.layers[0].experts.probabilities.shape(60, kExperts);
        for (float& value : tape.normed.all())
            value = 5 * normal(random);
        for (int token = 1; token < 60; ++token) {
            const auto gate = tape.layers[0].experts.probabilities.at(token);
            for (std::size_t expert = 0; expert < kExperts; ++expert)
                for (std::size_t i = 0; i < kHidden; ++i)
                    gate[expert] += 0.2F * truth[expert * kHidden + i] * tape.normed.at(token - 1)[i];
            softmaxInPlace(gate);
        }
        predictor.add(tape);
    }
    const TrainingPlan plan{.epochs = 60, .batch = 32, .learningRate = 2e-2};
    const FirstLayerGate gate = predictor.train(plan, [](int) { return true; });
    EXPECT_EQ(gate.trainedTokens, 8 * 59);
    EXPECT_EQ(gate.heldOutTokens, 2 * 59);
    EXPECT_GT(gate.heldOut.slotRecall, 0.9);
    EXPECT_LT(gate.heldOut.kl, 0.2 * gate.usual.kl);
    EXPECT_LT(gate.usual.slotRecall, 0.6);
    const FirstLayerGate again = predictor.train(plan, [](int) { return true; });
    EXPECT_TRUE(std::ranges::equal(gate.weights.all(), again.weights.all())) << "seeded";
}

TEST(WriteWhole, LeavesNothingBehindWhenItCannot) {
    const auto folder = std::filesystem::temp_directory_path() / "moescope-write-whole";
    std::filesystem::create_directories(folder);
    writeWhole(folder / "a.json", "{}");
    writeWhole(folder / "a.json", "[1]");
    std::string text;
    std::ifstream(folder / "a.json") >> text;
    EXPECT_EQ(text, "[1]");
    EXPECT_THROW(writeWhole(folder / "none" / "a.json", "{}"), std::runtime_error);
    EXPECT_THROW(writeWhole(folder, "{}"), std::runtime_error) << "a folder is no file";
    std::filesystem::remove_all(folder);
    EXPECT_FALSE(std::filesystem::exists(folder.string() + ".part"));
}

} // namespace
} // namespace moescope::calibrate

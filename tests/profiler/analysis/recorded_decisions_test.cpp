#include "profiler/analysis/recorded_decisions.h"

#include "profiler/analysis/snapshot_builder.h"
#include "tests/profiler/analysis/scripted_run.h"

#include <gtest/gtest.h>
#include <random>

namespace moescope::analysis {
namespace {

struct Made {
    SnapshotPtr snapshot;
    double kept = 0; ///< by the real policy on the router's own logits, mean
};

/// Decisions of a made-up router, recorded as an engine would, and what a gate makes of its logits.
Made recorded(std::string_view gate, const policy::GateParameters& parameters, bool renormalise, int topK) {
    constexpr int kExperts = 8;
    constexpr int kLayers = 2;
    std::mt19937 random(5);
    std::normal_distribution<float> logit(0, 1.5F);
    test::ScriptedRun script(kLayers, kExperts);
    const auto plain = policy::makeGatePolicy("topk", {});
    const auto policy = policy::makeGatePolicy(gate, parameters);
    int kept = 0;
    int decisions = 0;
    for (int token = 0; token < 300; ++token) {
        script.add(trace::TokenPrompted{token, trace::TurnIndex(0), trace::TokenIndex(token), token}, "x");
        for (int layer = 0; layer < kLayers; ++layer) {
            std::vector<float> logits(kExperts);
            for (float& value : logits)
                value = logit(random);
            std::vector<float> scratch(kExperts);
            policy::GateQuestion question;
            question.layer = layer;
            question.logits = logits;
            question.rule = {topK, renormalise};
            question.token = trace::TokenIndex(token);
            kept += policy->choose(question, scratch).kept;
            ++decisions;
            const policy::GateChoice choice = plain->choose(question, scratch);
            std::vector<std::uint16_t> ids(choice.ids.begin(), choice.ids.begin() + choice.candidates);
            std::vector<float> weights(choice.candidateWeights.begin(), choice.candidateWeights.begin() + choice.candidates);
            script.choose(token, layer, ids, weights, choice.candidates);
        }
    }
    auto info = script.info();
    info->model.topK = topK;
    SnapshotBuilder builder(info);
    builder.add(script.take());
    return {builder.snapshot(), static_cast<double>(kept) / decisions};
}

policy::GateParameters known(double threshold) {
    policy::GateParameters parameters;
    parameters.threshold = threshold;
    parameters.sensitivity = {0.2, 0.9};
    parameters.paperSensitivity = {2, 0.5};
    auto pairs = std::make_shared<policy::PairTable>(2, 8);
    for (int layer = 0; layer < 2; ++layer)
        for (int first = 0; first < 8; ++first)
            for (int second = 0; second < 8; ++second)
                pairs->at(layer, first, second) = 0.1F * static_cast<float>(1 + (first * 3 + second * 5 + layer) % 11);
    parameters.pairs = pairs;
    return parameters;
}

TEST(RecordedDecisions, GatesDoOnTheRecordWhatTheyDoOnTheLogits) {
    const std::vector<std::pair<const char*, double>> gates = {
        {"adapmoe", 0.02}, {"adapmoe-paper", 0.05}, {"adapmoe-pair", 0.03}, {"score", 0.2},
        {"top-p", 0.25},   {"ratio", 0.5},          {"static-k", 0.5},      {"random", 0.3}};
    for (const bool renormalise : {true, false})
        for (const int topK : {2, 4})
            for (const auto& [gate, threshold] : gates) {
                const Made made = recorded(gate, known(threshold), renormalise, topK);
                const auto trace = recordedDecisions(*made.snapshot);
                EXPECT_EQ(trace.size(), 600U);
                const double mean = trace.keptBy(*policy::makeGatePolicy(gate, known(threshold))).meanExperts;
                EXPECT_NEAR(mean, made.kept, 0.01) << gate << " top-" << topK << (renormalise ? "" : ", not renormalised");
            }
}

TEST(RecordedDecisions, TakesTheNewestTokensThatFit) {
    const Made made = recorded("topk", {}, true, 2);
    EXPECT_EQ(recordedDecisions(*made.snapshot, {0, 300}, 8 * 2 * 10).size(), 20U);
    EXPECT_EQ(recordedDecisions(*made.snapshot, {0, 300}, 1).size(), 2U);
    EXPECT_EQ(recordedDecisions(*made.snapshot, {10, 12}).size(), 4U);
    EXPECT_EQ(recordedDecisions(*made.snapshot, {400, 500}).size(), 0U);
    EXPECT_EQ(recordedDecisions(Snapshot{}).size(), 0U);
}

TEST(RecordedDecisions, PromptsCountOnlyWhereThereIsNothingElse) {
    test::ScriptedRun script(1, 4);
    for (int token = 0; token < 3; ++token) {
        script.add(trace::TokenPrompted{token, trace::TurnIndex(0), trace::TokenIndex(token), token}, "x");
        script.choose(token, 0, {0, 1}, {0.75F, 0.25F}, 2, token < 2 ? trace::Phase::Prefill : trace::Phase::Decode);
    }
    SnapshotBuilder builder(script.info());
    builder.add(script.take());
    EXPECT_EQ(recordedDecisions(*builder.snapshot()).size(), 1U);
    EXPECT_EQ(recordedDecisions(*builder.snapshot(), {0, 2}).size(), 2U);
    const PhaseShares shares = phaseShares(*builder.snapshot(), {0, 3});
    EXPECT_EQ(shares.decode.back().decisions, 1);
    EXPECT_EQ(shares.prefill.back().decisions, 2);
    EXPECT_EQ(shares.prefill.back().meanExperts, 2);
}

TEST(RecordedDecisions, MediansOfTheWeightRatio) {
    test::ScriptedRun script(2, 4);
    for (int token = 0; token < 5; ++token) {
        script.add(trace::TokenPrompted{token, trace::TurnIndex(0), trace::TokenIndex(token), token}, "x");
        const float second = 0.0625F * static_cast<float>(1 + token);
        script.choose(token, 0, {0, 1}, {1 - second, second}, 2);
    }
    SnapshotBuilder builder(script.info());
    builder.add(script.take());
    const auto medians = medianRatios(*builder.snapshot(), {0, 5});
    ASSERT_EQ(medians.size(), 2U);
    EXPECT_NEAR(medians[0], 0.1875 / 0.8125, 1e-6);
    EXPECT_EQ(medians[1], 0);
}

TEST(RecordedDecisions, ReadsWhatTheSessionKnows) {
    session::SessionInfo info;
    EXPECT_EQ(readCalibration(info), nullptr);
    info.sensitivity = {0.5, 0.25};
    EXPECT_EQ(readCalibration(info)->refined, info.sensitivity);
    info.calibration =
        R"({"format": "moescope-calibration", "version": 1, "sensitivity": {"refined": [1, 2], "paper": [3, 4]}})";
    EXPECT_EQ(readCalibration(info)->paper, (std::vector<double>{3, 4}));
    info.calibration = "{";
    EXPECT_EQ(readCalibration(info)->refined, info.sensitivity);
    const auto parameters = gateParameters(
        nullptr, {{"gate-threshold", "0.25"}, {"gate-layers", "1:0.5"}, {"gate-phase", "decode"}, {"cache", "lru"}});
    EXPECT_EQ(parameters.threshold, 0.25);
    EXPECT_EQ(parameters.overrides, (policy::LayerOverrides{{1, 0.5}}));
    EXPECT_EQ(parameters.phases, policy::GatePhases::Decode);
    EXPECT_TRUE(gateParameters(nullptr, {{"gate-layers", "?"}}).overrides.empty());
}

} // namespace
} // namespace moescope::analysis

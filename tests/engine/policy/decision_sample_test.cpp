#include "engine/policy/decision_sample.h"
#include "engine/policy/linear_gate.h"

#include "tests/engine/policy/gate_fixture.h"

#include <cmath>
#include <gtest/gtest.h>

namespace moescope::policy {
namespace {

DecisionSample randomSample(int tokens, RouterRule rule, DecisionTrace& whole) {
    std::mt19937 random(5);
    DecisionSample sample{.layers = 3, .experts = 8, .rule = rule, .ids = {}, .probabilities = {}};
    std::vector<float> softmax(8);
    for (int token = 0; token < tokens; ++token)
        for (int layer = 0; layer < 3; ++layer) {
            const GateChoice choice = topKChoice(randomLogits(random, 8), rule, softmax);
            for (int rank = 0; rank < rule.topK; ++rank) {
                const std::uint16_t id = choice.ids[static_cast<std::size_t>(rank)];
                sample.ids.push_back(id);
                sample.probabilities.push_back(softmax[id]);
            }
            whole.add(layer, trace::TokenIndex(token), softmax);
        }
    return sample;
}

TEST(DecisionSample, KeepsAllThatAGateLooksAt) {
    for (const RouterRule rule : {RouterRule{.topK = 2, .renormalise = true}, RouterRule{.topK = 3, .renormalise = false}}) {
        DecisionTrace whole(8, rule);
        const DecisionSample written = randomSample(400, rule, whole);
        DecisionSample read{.layers = 3, .experts = 8, .rule = rule, .ids = {}, .probabilities = {}};
        ASSERT_TRUE(decodeDecisions(encodeDecisions(written), read));
        EXPECT_EQ(read.ids, written.ids);
        EXPECT_EQ(read.tokens(), 400U);
        ASSERT_EQ(read.trace().size(), whole.size());
        GateParameters parameters = parametersFor(3, 8, 0.05);
        for (const char* name : {"topk", "adapmoe", "adapmoe-paper", "adapmoe-pair", "score", "top-p", "ratio", "random"}) {
            const auto gate = makeGatePolicy(name, parameters);
            EXPECT_NEAR(read.trace().keptBy(*gate).meanExperts, whole.keptBy(*gate).meanExperts, 0.01) << name;
            EXPECT_NEAR(read.trace().keptBy(*gate).singleShare, whole.keptBy(*gate).singleShare, 0.01) << name;
        }
    }
}

TEST(DecisionSample, EqualGatesStayTheChoiceTheyWere) {
    DecisionSample sample{.layers = 1, .experts = 4, .rule = {}, .ids = {2, 3}, .probabilities = {0.25F, 0.25F}};
    struct LastTwo final : GatePolicy {
        std::string_view name() const override { return "check"; }
        bool lossless() const override { return true; }
        GateChoice choose(const GateQuestion& question, std::span<float> probabilities) const override {
            const GateChoice choice = topKChoice(question.logits, question.rule, probabilities);
            EXPECT_EQ(choice.ids[0], 2);
            EXPECT_EQ(choice.ids[1], 3);
            return choice;
        }
    };
    EXPECT_EQ(sample.trace().keptBy(LastTwo()).meanExperts, 2);
}

TEST(DecisionSample, WhatCannotBeIsRefused) {
    const DecisionSample shape{.layers = 1, .experts = 4, .rule = {}, .ids = {}, .probabilities = {}};
    const auto read = [&](const std::string& text) {
        DecisionSample sample = shape;
        return decodeDecisions(text, sample);
    };
    EXPECT_TRUE(read("0000010000380034"));
    EXPECT_FALSE(read(""));
    EXPECT_FALSE(read("000001000038003")) << "cut off";
    EXPECT_FALSE(read("0000040000380034")) << "expert 4 of 4";
    EXPECT_FALSE(read("00000100003800zz"));
    EXPECT_FALSE(read("0000010000c00034")) << "a negative probability";
    DecisionSample flat{.layers = 0, .experts = 4, .rule = {}, .ids = {}, .probabilities = {}};
    EXPECT_FALSE(decodeDecisions("0000010000380034", flat));
}

TEST(LinearGate, IsASoftmaxOfALinearMap) {
    const LinearGate gate{.hidden = 2, .experts = 3, .weights = {1, 0, 0, 1, 1, 1}, .bias = {0, 0.5F, -1}};
    std::vector<float> p(3);
    gate.predict(std::vector<float>{2, -1}, p);
    const double sum = std::exp(2.0) + std::exp(-0.5) + std::exp(0.0);
    EXPECT_NEAR(p[0], std::exp(2.0) / sum, 1e-6);
    EXPECT_NEAR(p[1], std::exp(-0.5) / sum, 1e-6);
    EXPECT_NEAR(p[2], 1 / sum, 1e-6);
}

} // namespace
} // namespace moescope::policy

#include "engine/policy/gate_costs.h"

#include "engine/policy/gate_costs_json.h"
#include "engine/policy/sensitivities.h"

#include <gmock/gmock.h>

namespace moescope::policy {
namespace {

using testing::HasSubstr;

const std::vector<QuantisationLoss> kScale{{"Q4_0", 0.05, 1.04}, {"Q8_0", 0.001, 1.0004}};

TEST(LossInWords, FindsThePlaceOnTheScale) {
    EXPECT_EQ(lossInWords(0.02, kScale), "between Q8_0 and Q4_0, 0.4 x of Q4_0's loss");
    EXPECT_EQ(lossInWords(0.0005, kScale), "below Q8_0, 0.5 x of Q8_0's loss");
    EXPECT_EQ(lossInWords(0.00004, kScale), "below Q8_0, 0.04 x of Q8_0's loss");
    EXPECT_EQ(lossInWords(0.105, kScale), "above Q4_0, 2.1 x of Q4_0's loss");
    EXPECT_EQ(lossInWords(1.0, kScale), "above Q4_0, 20 x of Q4_0's loss");
}

TEST(LossInWords, AtAMarkItIsThatMark) {
    EXPECT_EQ(lossInWords(0.001, kScale), "below Q8_0, 1.0 x of Q8_0's loss");
    EXPECT_EQ(lossInWords(0.05, kScale), "between Q8_0 and Q4_0, 1.0 x of Q4_0's loss");
}

TEST(LossInWords, NoScaleNoWords) {
    EXPECT_EQ(lossInWords(0.1, {}), "");
    EXPECT_EQ(lossInWords(0.1, {{"F16", 0, 1}}), "");
    EXPECT_EQ(lossInWords(0, kScale), "no loss");
    EXPECT_EQ(lossInWords(0.01, {{"Q8_0", 0.02, 1}}), "below Q8_0, 0.5 x of Q8_0's loss");
}

std::string calibrationWith(const std::string& costs) {
    return R"({"format":"moescope-calibration","version":1,"sensitivity":{"refined":[1,2],"pair_tokens":[3]},)"
           R"("first_layer_gate":{"weights":[1,2,3]},"gate_costs":)" +
           costs + "}";
}

const std::string kCosts =
    R"({"text":"stories","tokens":4096,"points":[{"gate":"adapmoe-pair","threshold":0.25,"mean_experts":1.5,)"
    R"("single_share":0.5,"mean_kl":0.0125,"perplexity_ratio":1.01}],)"
    R"("quantisation":[{"type":"Q8_0","mean_kl":0.001,"perplexity_ratio":0.9995}]})";

TEST(GateCosts, AreReadFromACalibrationAndWrittenAsTheyWere) {
    const Sensitivities read = parseSensitivities(calibrationWith(kCosts), "c.json");
    ASSERT_EQ(read.costs.points.size(), 1U);
    EXPECT_EQ(read.costs.points[0].gate, "adapmoe-pair");
    EXPECT_EQ(read.costs.points[0].threshold, 0.25);
    EXPECT_EQ(read.costs.points[0].meanExperts, 1.5);
    EXPECT_EQ(read.costs.points[0].singleShare, 0.5);
    EXPECT_EQ(read.costs.points[0].meanKl, 0.0125);
    EXPECT_EQ(read.costs.points[0].perplexityRatio, 1.01);
    ASSERT_EQ(read.costs.quantisation.size(), 1U);
    EXPECT_EQ(read.costs.quantisation[0].type, "Q8_0");
    EXPECT_EQ(read.costs.quantisation[0].perplexityRatio, 0.9995);
    EXPECT_EQ(read.costs.text, "stories");
    EXPECT_EQ(read.costs.tokens, 4096);
    EXPECT_EQ(gateCostsJson(read.costs).dump(), nlohmann::ordered_json::parse(kCosts).dump());
}

TEST(GateCosts, WhatSessionsKeepReadsAsTheFileWithoutItsBulk) {
    const std::string kept = parseSensitivities(calibrationWith(kCosts), "c.json").json;
    EXPECT_THAT(kept, testing::Not(HasSubstr("first_layer_gate")));
    EXPECT_THAT(kept, testing::Not(HasSubstr("pair_tokens")));
    const Sensitivities again = parseSensitivities(kept, "session");
    EXPECT_THAT(again.refined, testing::ElementsAre(1, 2));
    EXPECT_EQ(again.costs.points.size(), 1U);
    EXPECT_EQ(again.json, kept);
}

TEST(GateCosts, EveryDefectIsNamed) {
    const auto refusal = [](const std::string& costs) -> std::string {
        try {
            parseSensitivities(calibrationWith(costs), "c.json");
        } catch (const std::runtime_error& problem) {
            return problem.what();
        }
        return "accepted";
    };
    const auto without = [](std::string from, const std::string& to) {
        std::string text = kCosts;
        return text.replace(text.find(from), from.size(), to);
    };
    EXPECT_EQ(refusal(kCosts), "accepted");
    EXPECT_THAT(refusal("[]"), HasSubstr("c.json cannot be used: gate_costs is not an object"));
    EXPECT_THAT(refusal("{}"), HasSubstr("gate_costs has no text"));
    EXPECT_THAT(refusal(without("4096", "-1")), HasSubstr("gate_costs.tokens is not a number"));
    EXPECT_THAT(refusal(without("\"adapmoe-pair\"", "\"magic\"")), HasSubstr("points[0].gate is 'magic'"));
    EXPECT_THAT(refusal(without("\"adapmoe-pair\"", "7")), HasSubstr("points[0].gate is not a text"));
    EXPECT_THAT(refusal(without("0.0125", "null")), HasSubstr("points[0].mean_kl is not a number"));
    EXPECT_THAT(refusal(without("0.5,", "1.5,")), HasSubstr("points[0].single_share is not a number from 0 to 1"));
    EXPECT_THAT(refusal(without("\"type\"", "\"typ\"")), HasSubstr("quantisation[0] has no type"));
    EXPECT_THAT(refusal(R"({"text":"","tokens":0,"points":[1],"quantisation":[]})"), HasSubstr("points[0] is not an object"));
    EXPECT_THAT(refusal(R"({"text":"","tokens":0,"points":{},"quantisation":[]})"), HasSubstr("points is not a list"));
}

} // namespace
} // namespace moescope::policy

#include "engine/policy/sensitivities.h"

#include <gmock/gmock.h>

namespace moescope::policy {
namespace {

using testing::HasSubstr;

std::string refusalOf(std::string_view json) {
    try {
        parseSensitivities(json, "c.json");
    } catch (const std::runtime_error& problem) {
        return problem.what();
    }
    return "accepted";
}

constexpr const char* kGood = R"({"format":"moescope-calibration","version":1,"model_hash":"00ff","model_name":"m",
                                  "source":"s","sensitivity":{"refined":[0.5,1,2.25]}})";

TEST(Sensitivities, ReadsWhatTheFormatHolds) {
    const Sensitivities read = parseSensitivities(kGood, "c.json");
    EXPECT_EQ(read.modelHash, "00ff");
    EXPECT_EQ(read.modelName, "m");
    EXPECT_EQ(read.source, "s");
    EXPECT_THAT(read.refined, testing::ElementsAre(0.5, 1.0, 2.25));
}

TEST(Sensitivities, EveryDefectIsNamed) {
    EXPECT_THAT(refusalOf("{"), HasSubstr("c.json cannot be used: it is not valid JSON"));
    EXPECT_THAT(refusalOf("[]"), HasSubstr("not valid JSON"));
    EXPECT_THAT(refusalOf(R"({"format":"other"})"), HasSubstr("format is not moescope-calibration"));
    EXPECT_THAT(refusalOf(R"({"format":"moescope-calibration"})"), HasSubstr("no version"));
    EXPECT_THAT(refusalOf(R"({"format":"moescope-calibration","version":2})"), HasSubstr("version 2"));
    EXPECT_THAT(refusalOf(R"({"format":"moescope-calibration","version":1})"), HasSubstr("no list sensitivity.refined"));
    EXPECT_THAT(refusalOf(R"({"format":"moescope-calibration","version":1,"sensitivity":{"refined":[]}})"),
                HasSubstr("is empty"));
    EXPECT_THAT(refusalOf(R"({"format":"moescope-calibration","version":1,"sensitivity":{"refined":[1,-1]}})"),
                HasSubstr("refined[1]"));
    EXPECT_THAT(refusalOf(R"({"format":"moescope-calibration","version":1,"sensitivity":{"refined":["1"]}})"),
                HasSubstr("refined[0]"));
    EXPECT_THAT(refusalOf(R"({"format":"moescope-calibration","version":1,"model_hash":7,"sensitivity":{"refined":[1]}})"),
                HasSubstr("model_hash is not a text"));
}

constexpr const char* kFull = R"({"format":"moescope-calibration","version":1,"later":[1],
    "sensitivity":{"refined":[0.5,1],"paper":[3,2],"direct_kl":[0.01,0.02],"second":[[1,2]],
                   "pair":[[[0,1,2],[3,0,4],[5,6,0]],[[0,0.25,0.5],[1,0,1],[2,2,0]]]},
    "expert_norm":[[1,2,3],[4,5,6]],"second_weight_quantiles":[[0,0.2,0.5],[0.1,0.3,0.5]],
    "prefetch_recall":[[0,0.9],[0,0]],"hit_curves":{"lru":[[0,0.5,0.9,1],[0,0.4,0.8,1]],"lfu":[[0,0,0,1],[0,0,1,1]]}})";

TEST(Sensitivities, ReadsAllForms) {
    const Sensitivities read = parseSensitivities(kFull, "c.json");
    EXPECT_THAT(read.paper, testing::ElementsAre(3, 2));
    EXPECT_THAT(read.directKl, testing::ElementsAre(0.01, 0.02));
    ASSERT_TRUE(read.pairs);
    EXPECT_EQ(read.pairs->layers(), 2);
    EXPECT_EQ(read.pairs->experts(), 3);
    EXPECT_EQ(read.pairs->at(0, 1, 2), 4.0F);
    EXPECT_EQ(read.pairs->at(1, 0, 1), 0.25F);
    EXPECT_EQ(read.expertNorm[1][2], 6);
    EXPECT_EQ(read.secondShare[1][0], 0.1);
    EXPECT_EQ(read.recall[0][1], 0.9);
    EXPECT_EQ(read.hitCurves.at("lru")[1][2], 0.8);
    EXPECT_EQ(read.hitCurves.size(), 2U);
}

TEST(Sensitivities, AnOldFileHasOnlyTheRefinedForm) {
    const Sensitivities read = parseSensitivities(kGood, "c.json");
    EXPECT_TRUE(read.paper.empty() && read.directKl.empty() && read.expertNorm.empty() && read.secondShare.empty());
    EXPECT_TRUE(read.recall.empty() && read.hitCurves.empty() && !read.pairs);
}

TEST(Sensitivities, EveryDefectOfTheOtherFormsIsNamed) {
    const auto refusal = [](const std::string& forms, const std::string& more = "") {
        return refusalOf(R"({"format":"moescope-calibration","version":1,"sensitivity":{"refined":[1,2])" + forms + "}" + more +
                         "}");
    };
    EXPECT_EQ(refusal(""), "accepted");
    EXPECT_EQ(refusal("", R"(,"second_weight_quantiles":[[],[]])"), "accepted"); // a model with one expert per token
    EXPECT_THAT(refusal("", R"(,"second_weight_quantiles":[[],[0,1]])"), HasSubstr("not a list as long as the others"));
    EXPECT_THAT(refusal(R"(,"paper":[1])"), HasSubstr("sensitivity.paper holds 1 numbers and not 2"));
    EXPECT_THAT(refusal(R"(,"paper":3)"), HasSubstr("sensitivity.paper is not a list"));
    EXPECT_THAT(refusal(R"(,"paper":[1,-2])"), HasSubstr("sensitivity.paper[1] is not a number of 0 or more"));
    EXPECT_THAT(refusal(R"(,"paper":[1,1e300])"), HasSubstr("sensitivity.paper[1]"));
    EXPECT_THAT(refusal(R"(,"pair":[[[1]]])"), HasSubstr("sensitivity.pair is not a list of 2 lists"));
    EXPECT_THAT(refusal(R"(,"pair":[[[1]],[[1],[1]]])"), HasSubstr("sensitivity.pair[1] is not a list as long as the others"));
    EXPECT_THAT(refusal(R"(,"pair":[[[1]],[[1,2]]])"), HasSubstr("sensitivity.pair[1][0] holds 2 numbers and not 1"));
    EXPECT_THAT(refusal(R"(,"pair":[[],[]])"), HasSubstr("sensitivity.pair[0] is empty"));
    EXPECT_THAT(refusal(R"(,"pair":[[["1"]],[[1]]])"), HasSubstr("sensitivity.pair[0][0][0] is not a number"));
    EXPECT_THAT(refusal("", R"(,"expert_norm":[[1],[1,2]])"), HasSubstr("expert_norm[1] is not a list as long as the others"));
    EXPECT_THAT(refusal("", R"(,"second_weight_quantiles":[[0,1],[1,0]])"), HasSubstr("[1] does not rise"));
    EXPECT_THAT(refusal("", R"(,"second_weight_quantiles":[[0],[1]])"), HasSubstr("[0] holds fewer than 2 numbers"));
    EXPECT_THAT(refusal("", R"(,"second_weight_quantiles":[[0,2],[0,1]])"), HasSubstr("[0][1] is not a number from 0 to 1"));
    EXPECT_THAT(refusal("", R"(,"prefetch_recall":[[0,1],[0,1],[0,1],[0,1]])"), HasSubstr("not a list of 1 to 3 lists"));
    EXPECT_THAT(refusal("", R"(,"prefetch_recall":[])"), HasSubstr("prefetch_recall"));
    EXPECT_THAT(refusal("", R"(,"prefetch_recall":[[0]])"), HasSubstr("prefetch_recall[0] holds 1 numbers and not 2"));
    EXPECT_THAT(refusal("", R"(,"hit_curves":[1])"), HasSubstr("hit_curves does not name cache policies"));
    EXPECT_THAT(refusal("", R"(,"hit_curves":{"lru":[[0,1.5],[0,1]]})"), HasSubstr("hit_curves.lru[0][1]"));
    EXPECT_THAT(refusal("", R"(,"hit_curves":{"lru":[[0],[0]]})"), HasSubstr("hit_curves.lru[0] holds fewer than 2"));
}

TEST(Sensitivities, ShareUpToIsTheInverseOfTheQuantiles) {
    const std::vector<double> quantiles{0.1, 0.2, 0.2, 0.4, 0.5};
    EXPECT_EQ(shareUpTo(quantiles, 0.05), 0);
    EXPECT_EQ(shareUpTo(quantiles, 0.1), 0);
    EXPECT_NEAR(shareUpTo(quantiles, 0.15), 0.125, 1e-12);
    EXPECT_NEAR(shareUpTo(quantiles, 0.2), 0.5, 1e-12);
    EXPECT_NEAR(shareUpTo(quantiles, 0.3), 0.625, 1e-12);
    EXPECT_EQ(shareUpTo(quantiles, 0.5), 1);
    EXPECT_EQ(shareUpTo(quantiles, 9), 1);
    EXPECT_EQ(shareUpTo({}, 0.3), 0);
}

TEST(Sensitivities, AMissingFileIsNamed) {
    EXPECT_THROW(readSensitivities("/nowhere/calibration.json"), std::runtime_error);
}

TEST(Sensitivities, FitOnlyTheirModel) {
    Sensitivities read = parseSensitivities(kGood, "c.json");
    EXPECT_EQ(&sensitivitiesFor(read, 3, "00ff"), &read.refined);
    EXPECT_EQ(&sensitivitiesFor(read, 3, ""), &read.refined);
    EXPECT_THROW(sensitivitiesFor(read, 4, "00ff"), std::runtime_error);
    EXPECT_THROW(sensitivitiesFor(read, 3, "00fe"), std::runtime_error);
    read.modelHash.clear();
    EXPECT_EQ(&sensitivitiesFor(read, 3, "00fe"), &read.refined);
}

TEST(Sensitivities, ReadsTheFirstLayersGateAndDecisions) {
    const std::string begin = R"({"format":"moescope-calibration","version":1,"sensitivity":{"refined":[1]},)";
    const auto read = parseSensitivities(begin + R"("first_layer_gate":{"weights":[[1,-2],[0.5,3],[0,0]],"bias":[0,-1,2]},)" +
                                             R"("decisions":{"layers":1,"experts":3,"top_k":2,"data":"0000010000380034"}})",
                                         "made up");
    ASSERT_TRUE(read.firstLayer);
    EXPECT_EQ(read.firstLayer->hidden, 2);
    EXPECT_EQ(read.firstLayer->weights, (std::vector<float>{1, -2, 0.5F, 3, 0, 0}));
    EXPECT_EQ(read.firstLayer->bias, (std::vector<float>{0, -1, 2}));
    ASSERT_TRUE(read.decisions);
    EXPECT_TRUE(read.decisions->rule.renormalise);
    EXPECT_EQ(read.decisions->ids, (std::vector<std::uint16_t>{0, 1}));
    EXPECT_EQ(read.decisions->probabilities, (std::vector<float>{0.5F, 0.25F}));
    const auto older = parseSensitivities(begin + R"("source":"before")" + "}", "made up");
    EXPECT_FALSE(older.firstLayer);
    EXPECT_FALSE(older.decisions);
    for (const char* wrong : {R"("first_layer_gate":{"weights":[[1],[2,3]],"bias":[0,1]}})",
                              R"("first_layer_gate":{"weights":[[1],["x"]],"bias":[0,1]}})",
                              R"("first_layer_gate":{"weights":[[1]],"bias":[0,1]}})", R"("decisions":7})",
                              R"("decisions":{"layers":2,"experts":3,"top_k":2,"data":"0000010000380034"}})",
                              R"("decisions":{"layers":1,"experts":1,"top_k":2,"data":"0000010000380034"}})",
                              R"("decisions":{"layers":1,"experts":3,"top_k":2,"data":"00000100003800"}})"})
        EXPECT_THROW(parseSensitivities(begin + wrong, "made up"), std::runtime_error) << wrong;
}

} // namespace
} // namespace moescope::policy

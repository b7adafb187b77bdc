#include "engine/runtime/calibration.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <unistd.h>

namespace moescope::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A calibration of a model with 2 layers of 3 experts, top-2; `more` is added to the file.
class CalibrationTest : public testing::Test {
protected:
    void SetUp() override {
        m_folder = std::filesystem::path(testing::TempDir()) / fmt::format("calibration-{}", getpid());
        std::filesystem::create_directories(m_folder);
        m_facts.path = (m_folder / "model.gguf").string();
        m_facts.hash = "00ff";
        m_facts.layers = 2;
        m_facts.experts = 3;
        m_facts.topK = 2;
    }
    void TearDown() override { std::filesystem::remove_all(m_folder); }

    Calibration calibrated(const std::string& forms, const std::string& more = "") {
        const auto file = m_folder / "other.json";
        std::ofstream(file) << R"({"format":"moescope-calibration","version":1,"sensitivity":{"refined":[0.5,2])" << forms
                            << "}" << more << "}";
        return {file, m_facts};
    }
    static std::string refusal(const auto& action) {
        try {
            action();
        } catch (const std::exception& problem) {
            return problem.what();
        }
        return "accepted";
    }
    static Settings with(std::initializer_list<std::pair<const char*, const char*>> values) {
        Settings settings;
        for (const auto& [name, value] : values)
            setSetting(settings, name, value);
        return settings;
    }

    std::filesystem::path m_folder;
    model::ModelFacts m_facts;
};

constexpr const char* kPairs = R"(,"paper":[3,4],"pair":[[[0,1,2],[1,0,3],[2,3,0]],[[0,1,1],[1,0,1],[1,1,0]]])";

TEST_F(CalibrationTest, EveryGateIsBuiltFromItsForm) {
    const Calibration calibration = calibrated(kPairs, R"(,"expert_norm":[[1,2,3],[1,1,1]])");
    for (const std::string& name : policy::gatePolicyNames()) {
        Settings settings = with({{"gate-threshold", "0.1"}});
        settings.gate = name;
        EXPECT_EQ(calibration.makeGate(settings)->name(), name);
    }
    const auto parameters =
        calibration.gateParameters(with({{"gate-threshold", "0.25"}, {"gate-layers", "1:0"}, {"gate-phase", "decode"}}));
    EXPECT_EQ(parameters.threshold, 0.25);
    EXPECT_THAT(parameters.sensitivity, ElementsAre(0.5, 2));
    EXPECT_THAT(parameters.paperSensitivity, ElementsAre(3, 4));
    EXPECT_EQ(parameters.pairs->at(0, 1, 2), 3.0F);
    EXPECT_EQ(parameters.expertNorm[0][2], 3);
    EXPECT_EQ(parameters.overrides.at(1), 0);
    EXPECT_EQ(parameters.phases, policy::GatePhases::Decode);
}

TEST_F(CalibrationTest, AnOldFileServesTheOldGates) {
    const Calibration calibration = calibrated("");
    EXPECT_EQ(calibration.makeGate(with({{"gate", "adapmoe"}}))->name(), "adapmoe");
    EXPECT_EQ(refusal([&] {
                  calibration.makeGate(with({{"gate", "adapmoe-pair"}}));
              }),
              "The adapmoe-pair gate needs a calibration file with pair-wise sensitivities of this model.");
    EXPECT_THAT(refusal([&] { calibration.check(with({{"gate", "adapmoe-paper"}})); }), HasSubstr("adapmoe-paper gate needs"));
}

TEST_F(CalibrationTest, AFileOfAnotherShapeIsRefused) {
    EXPECT_THAT(refusal([&] { calibrated(R"(,"pair":[[[0]],[[0]]])"); }),
                HasSubstr("sensitivity.pair is of 1 experts and the"));
    EXPECT_THAT(refusal([&] { calibrated("", R"(,"expert_norm":[[1],[1]])"); }), HasSubstr("expert_norm is of 1 experts"));
    EXPECT_THAT(refusal([&] { calibrated("", R"(,"hit_curves":{"lru":[[0,1],[0,1]]})"); }),
                HasSubstr("hit_curves.lru is of 1 experts and the model has 3"));
    m_facts.layers = 3;
    EXPECT_THAT(refusal([&] { calibrated(""); }), HasSubstr("it holds 2 layers and the model has 3"));
}

TEST_F(CalibrationTest, LayersThatTheModelLacksAreRefused) {
    EXPECT_EQ(refusal([&] {
                  calibrated("").check(with({{"gate", "score"}, {"gate-layers", "0:1,2:1"}}));
              }),
              "The setting gate-layers names layer 2; the model has 2, counted from 0.");
}

TEST_F(CalibrationTest, AllocationsKnowGatePrefetchAndCurves) {
    const Calibration calibration =
        calibrated("", R"(,"second_weight_quantiles":[[0,0.25,0.5],[0.1,0.2,0.5]],"prefetch_recall":[[0,0.9],[0,0]],
                          "hit_curves":{"lfu":[[0,0.5,0.75,1],[0,0.25,0.5,1]]})");
    const auto plain = calibration.allocationParameters({});
    EXPECT_THAT(plain.kept, IsEmpty());
    EXPECT_THAT(plain.prefetchHit, IsEmpty());
    EXPECT_THAT(plain.hitCurve, IsEmpty());

    // Limits of the second weight: sqrt(.02 / .5) = .2 and sqrt(.02 / 2) = .1, at 40 % and 0 % of the tokens.
    Settings settings = with({{"gate", "adapmoe"}, {"gate-threshold", "0.02"}, {"prefetch", "next-layer"}, {"cache", "lfu"}});
    const auto full = calibration.allocationParameters(settings);
    ASSERT_EQ(full.kept.size(), 2U);
    EXPECT_NEAR(full.kept[0][0], .4, 1e-9);
    EXPECT_NEAR(full.kept[1][0], 0, 1e-9);
    EXPECT_THAT(full.prefetchHit, ElementsAre(0, .9));
    EXPECT_THAT(full.hitCurve[1], ElementsAre(0, .25, .5, 1));
    settings.gatePhase = "prefill";
    EXPECT_THAT(calibration.allocationParameters(settings).kept, IsEmpty()) << "answers are not gated";
}

TEST_F(CalibrationTest, CurvesNeedThoseOfTheCachePolicy) {
    const Calibration calibration = calibrated("", R"(,"hit_curves":{"lfu":[[0,0.5,0.75,1],[0,0.1,0.1,1]]})");
    EXPECT_EQ(refusal([&] {
                  calibration.check(with({{"allocation", "curves"}}));
              }),
              "The allocation 'curves' needs a calibration file with hit curves of this model for the cache policy in use.");
    const auto plan = calibration.makeAllocation(with({{"allocation", "curves"}, {"cache", "lfu"}}))
                          ->plan({.layers = 2, .experts = 3, .slots = 4});
    EXPECT_THAT(plan.perLayer, ElementsAre(1, 3)); // .45 per slot, together; layer 0 gains .25
}

TEST_F(CalibrationTest, TheReasonOfABadFileBesideTheModelComesOutWhenItIsNeeded) {
    std::ofstream(m_folder / "calibration.json") << "{";
    const Calibration calibration(std::filesystem::path(), m_facts);
    EXPECT_EQ(calibration.makeGate({})->name(), "topk");
    EXPECT_THAT(refusal([&] { calibration.makeGate(with({{"gate", "adapmoe-pair"}})); }), HasSubstr("it is not valid JSON"));
    EXPECT_THAT(refusal([&] { calibration.makeAllocation(with({{"allocation", "curves"}})); }), HasSubstr("not valid JSON"));
    EXPECT_EQ(calibration.makeAllocation(with({{"allocation", "adapmoe-dp"}}))->name(), "adapmoe-dp");
}

} // namespace
} // namespace moescope::runtime

#include "engine/policy/sensitivities.h"

#include <filesystem>
#include <fstream>
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

TEST(Sensitivities, TheBundledFileHoldsTheReferenceValues) {
    const auto read = readSensitivities(std::filesystem::path(MOESCOPE_SOURCE_DIR) / "resources/model/calibration.json");
    const std::filesystem::path reference =
        std::filesystem::path(MOESCOPE_SHARED_DIR) / "models/tales-moe/adapmoe-reference.json";
    ASSERT_EQ(read.refined.size(), 8U);
    if (!std::filesystem::exists(reference))
        GTEST_SKIP() << "the reference figures are not here: " << reference;
    std::ifstream stream(reference);
    std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    const std::size_t begin = text.find('[', text.find("w_l_weighted_by_squared_expert_difference"));
    const std::string list = text.substr(begin, text.find(']', begin) - begin + 1);
    const auto expected = parseSensitivities(
        R"({"format":"moescope-calibration","version":1,"sensitivity":{"refined":)" + list + "}}", "reference");
    EXPECT_EQ(read.refined, expected.refined);
}

} // namespace
} // namespace moescope::policy

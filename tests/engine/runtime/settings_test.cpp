#include "engine/runtime/settings.h"

#include <gmock/gmock.h>

namespace moescope::runtime {
namespace {

std::string refusalOf(std::string_view name, std::string_view value) {
    Settings settings;
    const Settings before = settings;
    try {
        setSetting(settings, name, value);
    } catch (const std::invalid_argument& problem) {
        EXPECT_EQ(settings, before);
        return problem.what();
    }
    return "accepted";
}

TEST(Settings, NamesStandInTheOrderOfTheContract) {
    EXPECT_THAT(settingNames(),
                testing::ElementsAre("gate", "gate-threshold", "gate-layers", "gate-phase", "cache", "cache-weights",
                                     "cache-experts", "allocation", "prefetch", "prefetch-depth", "prefetch-budget-mb",
                                     "prefetch-spare-steps", "prefetch-first-layer", "prefetch-watch", "link", "miss-service"));
}

TEST(Settings, EveryValueSurvivesWritingAndReading) {
    Settings changed;
    changed.gate = "adapmoe";
    changed.gateThreshold = 0.02208920608893168;
    changed.gateLayers = "0:0.5,3-5:0";
    changed.gatePhase = "decode";
    changed.cache = "lfu";
    changed.cacheWeights = "1,0,0.5";
    changed.cacheExperts = 17;
    changed.allocation = "global";
    changed.prefetch = "next-layer";
    changed.prefetchDepth = 3;
    changed.prefetchBudgetMb = 0.1;
    changed.prefetchSpareSteps = 4;
    changed.prefetchFirstLayer = false;
    changed.prefetchWatch = false;
    changed.link = "pcie3x4";
    changed.missService = "hybrid";
    Settings copy;
    for (const std::string& name : settingNames()) {
        EXPECT_NE(settingValue(copy, name), settingValue(changed, name)) << name;
        setSetting(copy, name, settingValue(changed, name));
    }
    EXPECT_EQ(copy, changed);
}

TEST(Settings, TheDefaultsAreAllowed) {
    Settings settings;
    for (const std::string& name : settingNames())
        setSetting(settings, name, settingValue(Settings{}, name));
    EXPECT_EQ(settings, Settings{});
}

TEST(Settings, ARefusalNamesSettingValueAndWhatIsAllowed) {
    EXPECT_EQ(refusalOf("cache", "mru"), "The setting cache cannot be 'mru'; allowed is lru, lfu, lcu, weighted.");
    EXPECT_EQ(refusalOf("gate-phase", "never"), "The setting gate-phase cannot be 'never'; allowed is both, decode, prefill.");
    EXPECT_EQ(refusalOf("gate-layers", "x"),
              "The setting gate-layers cannot be 'x'; allowed is none, or layers and thresholds as in 3:0.01,5-7:0.2.");
    EXPECT_EQ(refusalOf("cache-weights", "1"),
              "The setting cache-weights cannot be '1'; allowed is three numbers from 0 to 1000 "
              "for lru, lfu and fld, not all 0, as in 0.25,0.5,0.25.");
    EXPECT_EQ(refusalOf("prefetch-depth", "4"),
              "The setting prefetch-depth cannot be '4'; allowed is a whole number from 1 to 3.");
    EXPECT_EQ(refusalOf("gate-threshold", "-1"),
              "The setting gate-threshold cannot be '-1'; allowed is a number from 0 to 1000000.");
    EXPECT_EQ(refusalOf("link", "isdn"), "The setting link cannot be 'isdn'; allowed is none, pcie3x4, pcie3x16, pcie4x16, "
                                         "pcie5x16, nvme7 or a number of GB/s.");
    EXPECT_THAT(refusalOf("speed", "1"), testing::StartsWith("There is no setting 'speed'; known are gate, "));
    EXPECT_THROW(settingValue(Settings{}, "speed"), std::invalid_argument);
}

TEST(Settings, HalfNumbersAndOddOnesAreRefused) {
    for (const char* value : {"", "x", "1x", " 1", "nan", "inf", "1e400", "-0.5"})
        EXPECT_NE(refusalOf("gate-threshold", value), "accepted") << value;
    for (const char* value : {"", "1.5", "-1", "2000000", "99999999999"})
        EXPECT_NE(refusalOf("cache-experts", value), "accepted") << value;
    for (const char* value : {"0", "-2", "nan"})
        EXPECT_NE(refusalOf("link", value), "accepted") << value;
}

TEST(Settings, LayersAndWeightsAreWrittenInOneForm) {
    Settings settings;
    setSetting(settings, "gate-layers", "4:0.50,3:0.5");
    EXPECT_EQ(settings.gateLayers, "3-4:0.5");
    setSetting(settings, "gate-layers", "");
    EXPECT_EQ(settings.gateLayers, "none");
    setSetting(settings, "cache-weights", "1.0,0,00.5");
    EXPECT_EQ(settings.cacheWeights, "1,0,0.5");
}

TEST(Settings, TheBudgetMayBeMeasured) {
    Settings settings;
    setSetting(settings, "prefetch-budget-mb", "auto");
    EXPECT_EQ(settings.prefetchBudgetMb, Settings::kAutoBudget);
    EXPECT_EQ(settingValue(settings, "prefetch-budget-mb"), "auto");
    EXPECT_EQ(refusalOf("prefetch-budget-mb", "-1"),
              "The setting prefetch-budget-mb cannot be '-1'; allowed is a number from 0 to 1000000, or auto.");
    EXPECT_EQ(refusalOf("miss-service", "gpu"), "The setting miss-service cannot be 'gpu'; allowed is copy, cpu, hybrid.");
    EXPECT_EQ(refusalOf("prefetch-watch", "1"), "The setting prefetch-watch cannot be '1'; allowed is on, off.");
}

TEST(Settings, ALinkMayBeANumber) {
    Settings settings;
    setSetting(settings, "link", "2.5");
    EXPECT_EQ(settings.link, "2.5");
}

} // namespace
} // namespace moescope::runtime

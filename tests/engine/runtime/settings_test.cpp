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
    EXPECT_THAT(settingNames(), testing::ElementsAre("gate", "gate-threshold", "cache", "cache-experts", "allocation",
                                                     "prefetch", "prefetch-depth", "prefetch-budget-mb", "link"));
}

TEST(Settings, EveryValueSurvivesWritingAndReading) {
    Settings changed;
    changed.gate = "adapmoe";
    changed.gateThreshold = 0.02208920608893168;
    changed.cache = "lfu";
    changed.cacheExperts = 17;
    changed.allocation = "global";
    changed.prefetch = "next-layer";
    changed.prefetchDepth = 3;
    changed.prefetchBudgetMb = 0.1;
    changed.link = "pcie3x4";
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

TEST(Settings, ALinkMayBeANumber) {
    Settings settings;
    setSetting(settings, "link", "2.5");
    EXPECT_EQ(settings.link, "2.5");
}

} // namespace
} // namespace moescope::runtime

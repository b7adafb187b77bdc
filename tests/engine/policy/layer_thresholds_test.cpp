#include "engine/policy/layer_thresholds.h"

#include <gmock/gmock.h>
#include <random>

namespace moescope::policy {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(LayerOverrides, LayersAndRangesAreRead) {
    EXPECT_THAT(parseLayerOverrides("3:0.01"), ElementsAre(Pair(3, 0.01)));
    EXPECT_THAT(parseLayerOverrides("5-7:0.25,1:0"), ElementsAre(Pair(1, 0), Pair(5, .25), Pair(6, .25), Pair(7, .25)));
    EXPECT_THAT(parseLayerOverrides("0-2:1,1:2e-3"), ElementsAre(Pair(0, 1), Pair(1, .002), Pair(2, 1)));
    EXPECT_TRUE(parseLayerOverrides("").empty());
    EXPECT_TRUE(parseLayerOverrides("none").empty());
}

TEST(LayerOverrides, WhatIsNeitherIsRefused) {
    for (const char* text :
         {"3",    "3:",     ":1",       "a:1",           "3:x",  "3:-1", "3:nan", "3:inf", "3:1e7",   "-1:1", "3-2:1",
          "3-:1", "4096:1", "0-4096:1", "99999999999:1", "3:1,", ",3:1", "3:1 ",  " 3:1",  "3:1;4:1", "3:1x"})
        EXPECT_THROW(parseLayerOverrides(text), std::invalid_argument) << text;
    try {
        parseLayerOverrides("1:2,x");
        ADD_FAILURE();
    } catch (const std::invalid_argument& problem) {
        EXPECT_STREQ(problem.what(), "'x' is not a layer or a range of layers (0 to 4095), a colon and a threshold from 0 to "
                                     "1000000, as in 3:0.01 or 5-7:0.2.");
    }
}

TEST(LayerOverrides, WritingAndReadingAgree) {
    EXPECT_EQ(formatLayerOverrides({}), "none");
    EXPECT_EQ(formatLayerOverrides({{0, .5}, {1, .5}, {2, .25}, {4, .25}}), "0-1:0.5,2:0.25,4:0.25");
    std::mt19937 random(2);
    for (int round = 0; round < 300; ++round) {
        LayerOverrides overrides;
        for (int layer = 0; layer < 12; ++layer)
            if (random() % 2 != 0)
                overrides[layer] = static_cast<double>(random() % 3) / 7;
        EXPECT_EQ(parseLayerOverrides(formatLayerOverrides(overrides)), overrides);
    }
}

TEST(LayerThresholds, AnOverrideWinsOverTheCommonOne) {
    const LayerThresholds thresholds(0.5, {{2, 0}, {3, 1}});
    EXPECT_EQ(thresholds.at(0), 0.5);
    EXPECT_EQ(thresholds.at(2), 0);
    EXPECT_EQ(thresholds.at(3), 1);
    EXPECT_FALSE(thresholds.allZero());
    EXPECT_TRUE(LayerThresholds(0, {{2, 0}}).allZero());
    EXPECT_FALSE(LayerThresholds(0, {{2, .1}}).allZero());
}

} // namespace
} // namespace moescope::policy

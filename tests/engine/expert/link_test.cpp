#include "engine/expert/expert_mover.h"

#include <gmock/gmock.h>

namespace moescope::expert {
namespace {

TEST(Link, EveryPresetIsParsedByItsName) {
    for (const std::string& name : linkNames()) {
        const Link link = parseLink(name);
        EXPECT_EQ(link.name, name);
        EXPECT_EQ(link.emulated(), name != "none");
    }
}

TEST(Link, PresetsLieBelowTheSignallingRate) {
    const auto lanes = [](double gigatransfers, int count) { return gigatransfers * 1e9 * count / 8 * 128 / 130; };
    EXPECT_LT(parseLink("pcie3x4").bytesPerSecond, lanes(8, 4));
    EXPECT_LT(parseLink("pcie3x16").bytesPerSecond, lanes(8, 16));
    EXPECT_LT(parseLink("pcie4x16").bytesPerSecond, lanes(16, 16));
    EXPECT_LT(parseLink("pcie5x16").bytesPerSecond, lanes(32, 16));
    EXPECT_GT(parseLink("pcie3x4").bytesPerSecond, 0.75 * lanes(8, 4));
    EXPECT_EQ(parseLink("nvme7").bytesPerSecond, 7e9);
    EXPECT_EQ(parseLink("nvme7").latencyNs, 80'000);
}

TEST(Link, ANumberIsGigabytesPerSecond) {
    const Link link = parseLink("0.25");
    EXPECT_EQ(link.bytesPerSecond, 0.25e9);
    EXPECT_EQ(link.latencyNs, 10'000);
    EXPECT_EQ(parseLink(link.name).bytesPerSecond, link.bytesPerSecond);
}

TEST(Link, WhatIsNeitherIsRefused) {
    for (const char* text : {"", "0", "-1", "nan", "inf", "1e9", "3 GB/s", "PCIE3X4"})
        EXPECT_THROW(parseLink(text), std::invalid_argument) << text;
}

} // namespace
} // namespace moescope::expert

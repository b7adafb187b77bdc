#include "engine/runtime/stop_filter.h"

#include "engine/runtime/answer_text.h"

#include <gtest/gtest.h>

namespace moescope::runtime {
namespace {

TEST(StopFilterTest, LetsEverythingThroughWithoutStops) {
    StopFilter filter({""});
    EXPECT_EQ(filter.push("once upon"), "once upon");
    EXPECT_EQ(filter.finish(), "");
    EXPECT_FALSE(filter.stopped());
}

TEST(StopFilterTest, HoldsBackWhatCouldBecomeAStopString) {
    StopFilter filter({"</end>"});
    EXPECT_EQ(filter.push("a <"), "a ");
    EXPECT_EQ(filter.push("/e"), "");
    EXPECT_EQ(filter.push("m</"), "</em");
    EXPECT_EQ(filter.push("end"), "");
    EXPECT_FALSE(filter.stopped());
    EXPECT_EQ(filter.push("> tail"), "");
    EXPECT_TRUE(filter.stopped());
    EXPECT_EQ(filter.push("more"), "");
    EXPECT_EQ(filter.finish(), "");
}

TEST(StopFilterTest, GivesHeldTextBackAtTheEnd) {
    StopFilter filter({"STOP"});
    EXPECT_EQ(filter.push("go ST"), "go ");
    EXPECT_EQ(filter.finish(), "ST");
}

TEST(StopFilterTest, TheEarliestOfSeveralStopsCounts) {
    StopFilter filter({"dog", "cat"});
    EXPECT_EQ(filter.push("a cat and a dog"), "a ");
    EXPECT_TRUE(filter.stopped());
}

TEST(StopFilterTest, OverlappingPrefixesKeepTheLongestPossibleMatch) {
    StopFilter filter({"aab"});
    EXPECT_EQ(filter.push("aa"), "");
    EXPECT_EQ(filter.push("a"), "a");
    EXPECT_EQ(filter.push("b"), "");
    EXPECT_TRUE(filter.stopped());
}

/// Any way of cutting a text into pieces gives the same result as searching the whole.
TEST(StopFilterTest, DoesNotDependOnHowTheTextIsCut) {
    const std::string text = "abcababcabcacab--xxabcabd";
    for (const std::string& stop : {std::string("abcabd"), std::string("--"), std::string("cac"), std::string("zz")}) {
        const std::string expected = text.substr(0, text.find(stop));
        for (std::size_t first = 0; first <= text.size(); ++first) {
            for (std::size_t second = first; second <= text.size(); ++second) {
                StopFilter filter({stop});
                std::string out = filter.push(text.substr(0, first));
                out += filter.push(text.substr(first, second - first));
                out += filter.push(text.substr(second));
                out += filter.finish();
                ASSERT_EQ(out, expected) << stop << " cut at " << first << ", " << second;
            }
        }
    }
}

TEST(AnswerTextTest, GivesWholeCharactersAndTrimsOnlyTheFirstSpaceOfAChat) {
    AnswerText chat({}, true);
    EXPECT_EQ(chat.push("", false), "");
    EXPECT_EQ(chat.push(" Gr", false), "Gr");
    EXPECT_EQ(chat.push("\xC3", false), "");
    EXPECT_EQ(chat.push("\xBC", false), "\xC3\xBC");
    EXPECT_EQ(chat.push(" x", false), " x");
    EXPECT_EQ(chat.push("\xE2\x82", true), "\xEF\xBF\xBD");
    EXPECT_EQ(chat.text(), "Gr\xC3\xBC x\xEF\xBF\xBD");
    AnswerText raw({}, false);
    EXPECT_EQ(raw.push(" Gr", true), " Gr");
}

} // namespace
} // namespace moescope::runtime

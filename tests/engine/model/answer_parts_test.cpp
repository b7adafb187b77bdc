#include "engine/model/answer_parts.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace moescope::model {
namespace {

struct Example {
    std::string whole;
    std::string reasoning;
    std::string answer;
    bool thinking = false;
};

const std::vector<Example> kExamples{
    {"Just words.", "", "Just words."},
    {"", "", ""},
    {"<think>\nhm, a<b\n</think>\n\nSo be it.", "\nhm, a<b\n", "\n\nSo be it."},
    {"\n<think></think>x", "", "x"},
    {"hm</think>x </think>", "hm", "x </think>", true},
    {"<think>never ends", "never ends", ""},
    {"The tag <think> opens a thought.", "", "The tag <think> opens a thought."},
    {"<thinner> is no tag", "", "<thinner> is no tag"},
    {"<think>cut </thi", "cut </thi", ""},
    {"<|channel|>analysis<|message|>hm<|start|>assistant<|channel|>final<|message|>x", "hm", "x"},
    {"<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary to=f <|message|>y", "hm", "y"},
    {"<|channel|>final<|message|>a < b", "", "a < b"},
    {"<|channel|>ana", "", ""},
};

TEST(AnswerParts, TellsThoughtsFromWords) {
    for (const Example& example : kExamples) {
        AnswerParts parts(example.thinking);
        parts.push(example.whole);
        parts.finish();
        EXPECT_EQ(parts.reasoning(), example.reasoning) << example.whole;
        EXPECT_EQ(parts.answer(), example.answer) << example.whole;
    }
}

TEST(AnswerParts, DoesNotCareWhereAnAnswerIsCut) {
    std::mt19937_64 random(11);
    for (const Example& example : kExamples)
        for (int round = 0; round < 40; ++round) {
            AnswerParts parts(example.thinking);
            std::size_t reasoned = 0;
            for (std::size_t at = 0; at < example.whole.size();) {
                const std::size_t length = 1 + random() % (round < 5 ? 1 : 9);
                parts.push(std::string_view(example.whole).substr(at, length));
                at += length;
                EXPECT_GE(parts.reasoning().size(), reasoned) << "what was shown is never taken back";
                reasoned = parts.reasoning().size();
            }
            parts.finish();
            EXPECT_EQ(parts.reasoning(), example.reasoning) << example.whole;
            EXPECT_EQ(parts.answer(), example.answer) << example.whole;
        }
}

TEST(AnswerParts, SaysWhetherItThinks) {
    AnswerParts parts;
    EXPECT_FALSE(parts.thinking());
    parts.push("<think>a");
    EXPECT_TRUE(parts.thinking());
    parts.push("</think>b");
    EXPECT_FALSE(parts.thinking());
    EXPECT_EQ(AnswerParts::answerOf("<think>a</think>\n\nb"), "b");
    EXPECT_EQ(AnswerParts::answerOf("\n b"), "\n b");
}

} // namespace
} // namespace moescope::model

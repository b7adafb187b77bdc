#include "profiler/analysis/snapshot_builder.h"
#include "profiler/analysis/summary_json.h"
#include "profiler/analysis/summary_text.h"
#include "tests/profiler/analysis/scripted_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moescope::analysis {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

SnapshotPtr talk(const std::string& link, const std::string& answer) {
    test::ScriptedRun script(1, 4);
    auto info = script.info();
    info->settings[1].second = link;
    script.add(trace::PromptBegan{0, trace::TurnIndex(0), trace::TokenIndex(0), 1, 0, 128}, "Who is there?");
    script.add(trace::TokenEmitted{2'000'000, trace::TurnIndex(0), trace::TokenIndex(1), 4, -1, 2}, answer);
    script.add(trace::AnswerEnded{2'000'100, trace::TurnIndex(0), trace::EndReason::StopString, 1, 0});
    SnapshotBuilder builder(info);
    builder.add(script.take());
    builder.refreshFigures(true);
    return builder.snapshot();
}

TEST(SummaryText, TellsTheConversationAndWhatIsEmulated) {
    const std::string text = summaryText(*talk("pcie4x16", "A fox."));
    EXPECT_THAT(text, HasSubstr("Who is there?"));
    EXPECT_THAT(text, HasSubstr("A fox."));
    EXPECT_THAT(text, HasSubstr("stop string"));
    EXPECT_THAT(text, HasSubstr("pcie4x16 (emulated link)"));
    EXPECT_THAT(text, HasSubstr("not defined"));
    EXPECT_THAT(summaryText(*talk("none", "A fox.")), Not(HasSubstr("emulated")));
}

TEST(SummaryJson, HoldsEveryKeyAndNullForWhatIsNotDefined) {
    const std::string json = summaryJson(*talk("none", "A \"fox\"."));
    for (const char* key : {"tokens",
                            "decode_tokens_per_second",
                            "ttft_ms",
                            "expert_choices",
                            "expert_executions",
                            "mean_experts_per_token_layer",
                            "single_expert_share",
                            "hits",
                            "misses",
                            "hit_rate",
                            "optimum_hit_rate",
                            "bytes_demand",
                            "bytes_prefetch",
                            "bytes_prefetch_used",
                            "bytes_prefetch_wasted",
                            "prefetch_hidden_ms_per_token",
                            "pool_slots",
                            "experts_per_token",
                            "pool_collapse",
                            "layers",
                            "warnings",
                            "prefetch_hidden_ms",
                            "bytes_unattributed",
                            "stall_ms_per_token",
                            "events",
                            "events_lost",
                            "link",
                            "emulated"})
        EXPECT_THAT(json, HasSubstr(std::string("\"") + key + "\":")) << key;
    EXPECT_THAT(json, HasSubstr("\"hit_rate\": null"));
    EXPECT_THAT(json, HasSubstr("\"emulated\": false"));
    EXPECT_THAT(json, HasSubstr("A \\\"fox\\\"."));
    EXPECT_THAT(json, HasSubstr("\"ended\": \"stop_string\""));
}

TEST(SummaryReport, NamesACollapsedPoolAndTheLayersGuesses) {
    test::ScriptedRun script(2, 4);
    auto info = script.info();
    info->settings.emplace_back("cache", "lru");
    script.add(trace::SlotsAllocated{0, trace::Layer(), 3});
    for (int layer = 0; layer < 2; ++layer)
        script.choose(0, layer, {0, 1}, {0.6F, 0.4F}, 2);
    script.add(trace::PrefetchIssued{1, trace::TokenIndex(0), trace::expertKey(1, 2), trace::TransferId(0), 1, 0.5F});
    SnapshotBuilder builder(info);
    builder.add(script.take());
    builder.refreshFigures(true);
    const char* sentence = "The global pool of 3 slots is smaller than one token's 4 experts";
    EXPECT_THAT(summaryText(*builder.snapshot()), HasSubstr(sentence));
    EXPECT_THAT(summaryText(*builder.snapshot()), HasSubstr("Prefetch by layer"));
    EXPECT_THAT(summaryJson(*builder.snapshot()), HasSubstr(sentence));
    EXPECT_THAT(summaryText(*talk("none", "A fox.")), Not(HasSubstr("Prefetch by layer")));
}

TEST(SummaryJson, RepairsBrokenText) {
    EXPECT_THAT(summaryJson(*talk("none", "\xff\xfe")), HasSubstr("\xef\xbf\xbd"));
}

TEST(SizeText, KeepsThreeDigits) {
    EXPECT_EQ(sizeText(0), "0 B");
    EXPECT_EQ(sizeText(999), "999 B");
    EXPECT_EQ(sizeText(1000), "1.00 kB");
    EXPECT_EQ(sizeText(999'999), "1.00 MB");
    EXPECT_EQ(sizeText(12'345'678), "12.3 MB");
    EXPECT_EQ(sizeText(7'000'000'000), "7.00 GB");
}

} // namespace
} // namespace moescope::analysis

#include "profiler/analysis/pool_collapse.h"
#include "profiler/analysis/snapshot_builder.h"

#include "tests/profiler/analysis/scripted_run.h"

#include <cmath>
#include <gtest/gtest.h>

namespace moescope::analysis {
namespace {

using test::ScriptedRun;
using trace::Phase;
using trace::Stage;
using trace::TransferCause;

/// Two layers, four experts: a prompt of two tokens in one pass, then two decode steps whose figures are worked out by hand.
class ShortRun : public ::testing::Test {
protected:
    ShortRun() : script(2, 4) {
        script.add(trace::SlotsAllocated{0, trace::Layer(0), 2});
        script.add(trace::SlotsAllocated{0, trace::Layer(1), 2});
        script.now = 0;
        script.add(trace::PromptBegan{0, trace::TurnIndex(0), trace::TokenIndex(0), 2, 0, 128}, "hello");
        script.add(trace::TokenPrompted{1, trace::TurnIndex(0), trace::TokenIndex(0), 1}, "<s>");
        script.add(trace::TokenPrompted{1, trace::TurnIndex(0), trace::TokenIndex(1), 17}, "hello");
        prefill();
        emit(2, 1'000'000, " a");
        decode(2, 1'000'000, 3'000'000, true);
        emit(3, 3'000'000, " b");
        decode(3, 3'000'000, 7'000'000, false);
        emit(4, 7'000'000, " c");
        script.add(trace::AnswerEnded{7'000'100, trace::TurnIndex(0), trace::EndReason::TokenLimit, 3, 0});
        batch = script.take();
    }
    void prefill() {
        for (int token = 0; token < 2; ++token)
            script.choose(token, 0, {0, 1}, {0.75F, 0.25F}, 2, Phase::Prefill);
        script.miss(0, 0, 0);
        script.miss(0, 0, 1);
        script.transfer(0, 0, 0, TransferCause::Demand, 100, 0);
        script.transfer(0, 0, 1, TransferCause::Demand, 100, 1);
        script.stage(Stage::Experts, 0, 2, 100, 500, Phase::Prefill, 0);
        script.stage(Stage::Step, 0, 2, 0, 900, Phase::Prefill);
    }
    void decode(int token, trace::TimeNs begin, trace::TimeNs end, bool both) {
        // Layer 0's gate foresees experts 2 and 3 of layer 1.
        script.choose(token, 0, {0, 1}, {0.75F, 0.25F}, both ? 2 : 1, Phase::Decode, {0.0F, 0.125F, 0.25F, 0.625F});
        script.hit(token, 0, 0);
        if (both)
            script.hit(token, 0, 1);
        script.stage(Stage::Attention, token, 1, begin, begin + 400'000, Phase::Decode, 0);
        script.stage(Stage::Experts, token, 1, begin + 400'000, begin + 1'400'000, Phase::Decode, 0);
        script.choose(token, 1, {3, 1}, {0.5F, 0.5F}, 2);
        script.miss(token, 1, 3);
        script.add(trace::StallSpan{begin + 500'000, begin + 700'000, trace::TokenIndex(token), trace::expertKey(1, 3),
                                    trace::TransferId(5)});
        script.transfer(token, 1, 3, TransferCause::Demand, 40, 5, 400'000);
        script.add(trace::ExpertEvicted{script.now, trace::TokenIndex(token), trace::expertKey(1, 3),
                                        trace::EvictionCause::Demand, trace::expertKey(1, 2)});
        script.stage(Stage::Step, token, 1, begin, end);
    }
    void emit(int token, trace::TimeNs at, const char* text) {
        script.add(trace::TokenEmitted{at, trace::TurnIndex(0), trace::TokenIndex(token), 40 + token, -0.5F, token + 1}, text);
    }
    SnapshotPtr built() {
        SnapshotBuilder builder(script.info());
        builder.add(batch);
        builder.refreshFigures(true);
        return builder.snapshot();
    }

    ScriptedRun script;
    session::Batch batch;
};

TEST_F(ShortRun, TokensKnowTheirTurnTextAndPass) {
    const SnapshotPtr s = built();
    ASSERT_EQ(s->tokens.size(), 5U);
    EXPECT_EQ(s->tokens[0].role, TokenRole::Prompt);
    EXPECT_EQ(s->tokens[1].text, "hello");
    EXPECT_EQ(s->tokens[2].role, TokenRole::Generated);
    EXPECT_EQ(s->tokens[2].tokenId, 42);
    EXPECT_EQ(s->tokens[0].pass, 0);
    EXPECT_EQ(s->tokens[1].pass, 0);
    EXPECT_EQ(s->tokens[2].pass, 1);
    EXPECT_EQ(s->tokens[3].pass, 2);
    EXPECT_EQ(s->tokens[4].pass, -1) << "emitted, not read";
    ASSERT_EQ(s->turns.size(), 1U);
    EXPECT_EQ(s->turns[0].prompt, "hello");
    EXPECT_EQ(s->turns[0].answer, " a b c");
    EXPECT_EQ(s->turns[0].reason, trace::EndReason::TokenLimit);
    EXPECT_EQ(s->turns[0].bytesMoved, 280);
}

TEST_F(ShortRun, PassesAddUp) {
    const SnapshotPtr s = built();
    ASSERT_EQ(s->passes.size(), 3U);
    const PassRecord& pass = s->passes[1];
    EXPECT_EQ(pass.firstToken, trace::TokenIndex(2));
    EXPECT_EQ(pass.stageNs[static_cast<std::size_t>(Stage::Step)], 2'000'000);
    EXPECT_EQ(pass.stageNs[static_cast<std::size_t>(Stage::Attention)], 400'000);
    EXPECT_EQ(pass.stageNs[static_cast<std::size_t>(Stage::Experts)], 800'000) << "without the stall of 200 us";
    EXPECT_EQ(pass.stallNs, 200'000);
    EXPECT_EQ(pass.otherNs, 600'000);
    EXPECT_EQ(pass.hits, 2);
    EXPECT_EQ(pass.misses, 1);
    EXPECT_EQ(pass.evictions, 1);
    EXPECT_EQ(pass.bytesDemand, 40);
    EXPECT_FLOAT_EQ(pass.meanKept, 2.0F);
    EXPECT_FLOAT_EQ(s->passes[2].meanKept, 1.5F);
    EXPECT_EQ(s->passes[0].bytesDemand, 200);
    EXPECT_EQ(s->passes[0].tokens, 2);
}

TEST_F(ShortRun, SummaryIsWhatTheHandSays) {
    const Summary f = built()->summary;
    EXPECT_EQ(f.tokens, 3);
    EXPECT_EQ(f.promptTokens, 2);
    EXPECT_NEAR(f.decodeTokensPerSecond, 2 / 0.006, 1e-6);
    EXPECT_NEAR(f.ttftMs, 1.0, 1e-6);
    EXPECT_EQ(f.expertChoices, 4 + 8);
    EXPECT_EQ(f.expertExecutions, 4 + 4 + 3);
    EXPECT_NEAR(f.meanExpertsPerTokenLayer, 7.0 / 4, 1e-12);
    EXPECT_NEAR(f.singleExpertShare, 0.25, 1e-12);
    EXPECT_EQ(f.hits, 3);
    EXPECT_EQ(f.misses, 4);
    EXPECT_NEAR(f.hitRate, 3.0 / 7, 1e-12);
    EXPECT_NEAR(f.optimumHitRate, 4.0 / 7, 1e-12) << "layer 1 could have kept expert 3";
    EXPECT_EQ(f.bytesDemand, 280);
    EXPECT_EQ(f.bytesUnattributed, 0);
    EXPECT_NEAR(f.stallMsPerToken, 0.2, 1e-12);
    EXPECT_NEAR(f.mbPerToken, 40e-6, 1e-15);
    EXPECT_NEAR(f.prefetchRecall, 0.5, 1e-12) << "of 3 and 1, only 3 was among the foreseen 3 and 2";
    EXPECT_NEAR(f.workingSetShare, 4.0 / 8, 1e-12);
    EXPECT_NEAR(f.expertsFor90, 2.0, 1e-12);
    EXPECT_NEAR(f.tpotP50Ms, 4.0, 1e-6);
    EXPECT_EQ(f.events, static_cast<std::int64_t>(batch.records.size()));
    EXPECT_NEAR(f.gateEntropy, (-(0.75 * std::log(0.75) + 0.25 * std::log(0.25)) + std::log(2.0)) / 2, 2e-3);
    EXPECT_NEAR(f.linkBytesPerSecond, 280 / 801e-6, 1e-3);
    EXPECT_EQ(f.overlapShare, 1.0) << "no transfer of the script moves while it stalls";
}

TEST_F(ShortRun, ExpertsHaveLivesAndPlaces) {
    const SnapshotPtr s = built();
    EXPECT_EQ(s->expertLives[0].hits, 2);
    EXPECT_EQ(s->expertLives[0].misses, 1);
    EXPECT_EQ(s->expertLives[0].lastUsed, trace::TokenIndex(3));
    EXPECT_FLOAT_EQ(s->expertLives[0].lastWeight, 0.75F);
    EXPECT_EQ(s->expertLives[1].lastUsed, trace::TokenIndex(2)) << "dropped at token 3";
    EXPECT_EQ(s->expertLives[7].waitNs, 400'000);
    EXPECT_EQ(s->expertLives[7].evictions, 2);
    EXPECT_EQ(s->residency.state, (std::vector<std::uint8_t>{2, 2, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(s->slotsTotal, 4);
    EXPECT_EQ(s->layerLives[0].single, 1);
    EXPECT_EQ(s->layerLives[0].decisions, 2);
    EXPECT_NEAR(s->layerLives[0].droppedSum, 0.25, 1e-6);
    EXPECT_NEAR(s->layerLives[0].secondSum, 0.5, 1e-6);
}

TEST_F(ShortRun, ChoicesKeepWeightsAndShares) {
    const SnapshotPtr s = built();
    ASSERT_EQ(s->choices.size(), 8U);
    const ChoiceRecord& dropped = s->choices[3 * 2 + 0];
    EXPECT_EQ(dropped.candidates, 2);
    EXPECT_EQ(dropped.kept, 1);
    EXPECT_FLOAT_EQ(dropped.droppedShare, 0.25F);
    EXPECT_FLOAT_EQ(dropped.secondShare, 0.25F);
    EXPECT_EQ(dropped.predictedHits, 0xffff);
    EXPECT_EQ(s->choices[3 * 2 + 1].predictedHits, 1);
    EXPECT_EQ(s->choices[0 * 2 + 1].candidates, 0) << "layer 1 was not recorded in the prompt";
}

TEST_F(ShortRun, ACursorInsideABatchComesBackForTheRest) {
    SnapshotBuilder builder(script.info());
    const std::int64_t last = batch.records.back().seq;
    for (std::int64_t seq = 1; seq <= last; seq += 3)
        builder.add(batch, seq);
    builder.add(batch);
    builder.refreshFigures(true);
    const Summary stepped = builder.snapshot()->summary;
    const Summary once = built()->summary;
    EXPECT_EQ(stepped.events, once.events);
    EXPECT_EQ(stepped.hits, once.hits);
    EXPECT_EQ(stepped.bytesDemand, once.bytesDemand);
    EXPECT_EQ(stepped.optimumHitRate, once.optimumHitRate);
}

TEST_F(ShortRun, ASnapshotDoesNotChangeAfterwards) {
    SnapshotBuilder builder(script.info());
    builder.add(batch, batch.records.size() / 2);
    const SnapshotPtr early = builder.snapshot();
    const std::size_t tokens = early->tokens.size();
    const std::int32_t pass = early->tokens[tokens - 1].pass;
    const std::string answer = early->turns[0].answer;
    builder.add(batch);
    builder.snapshot();
    EXPECT_EQ(early->tokens.size(), tokens);
    EXPECT_EQ(early->tokens[tokens - 1].pass, pass);
    EXPECT_EQ(early->turns[0].answer, answer);
}

TEST_F(ShortRun, AForkGoesOnByItself) {
    for (std::int64_t seq = 1; seq < batch.records.back().seq; seq += 5) {
        SnapshotBuilder builder(script.info());
        builder.add(batch, seq);
        const auto fork = builder.fork();
        const SnapshotPtr before = fork->snapshot();
        builder.add(batch);
        EXPECT_EQ(fork->snapshot()->seq, seq);
        EXPECT_EQ(fork->snapshot()->tokens.size(), before->tokens.size());
        fork->add(batch);
        fork->refreshFigures(true);
        const SnapshotPtr s = fork->snapshot();
        const SnapshotPtr whole = built();
        EXPECT_EQ(s->summary.optimumHitRate, whole->summary.optimumHitRate) << seq;
        EXPECT_EQ(s->summary.prefetchRecall, whole->summary.prefetchRecall) << seq;
        EXPECT_EQ(s->turns[0].answer, whole->turns[0].answer) << seq;
        for (std::size_t i = 0; i < whole->tokens.size(); ++i)
            EXPECT_EQ(s->tokens[i].pass, whole->tokens[i].pass) << seq;
    }
}

TEST(SnapshotBuilder, CountsWhatBecameOfPrefetchesInEitherOrder) {
    ScriptedRun script(1, 4);
    const auto resolve = [&](int id, int expert, bool used) {
        script.add(trace::PrefetchResolved{script.now, trace::TokenIndex(0), trace::expertKey(0, expert), trace::TransferId(id),
                                           used});
    };
    for (int id = 0; id < 3; ++id)
        script.add(
            trace::PrefetchIssued{script.now, trace::TokenIndex(0), trace::expertKey(0, id), trace::TransferId(id), 1, 0.5F});
    script.transfer(0, 0, 0, TransferCause::Prefetch, 70, 0);
    resolve(0, 0, true);
    resolve(1, 1, true);
    script.transfer(0, 0, 1, TransferCause::Prefetch, 30, 1);
    script.transfer(0, 0, 2, TransferCause::Prefetch, 20, 2);
    resolve(2, 2, false);
    SnapshotBuilder builder(script.info());
    builder.add(script.take());
    const SnapshotPtr s = builder.snapshot();
    EXPECT_EQ(s->summary.prefetchIssued, 3);
    EXPECT_EQ(s->summary.prefetchUsed, 2);
    EXPECT_EQ(s->summary.bytesPrefetch, 120);
    EXPECT_EQ(s->summary.bytesPrefetchUsed, 100);
    EXPECT_NEAR(s->summary.prefetchPrecision, 2.0 / 3, 1e-12);
    EXPECT_EQ(s->expertLives[2].wasted, 1);
}

TEST(SnapshotBuilder, TellsWhatBecameOfGuessesLayerByLayer) {
    ScriptedRun script(2, 4);
    const auto guess = [&](int layer, int expert, int id) {
        script.add(trace::PrefetchIssued{script.now, trace::TokenIndex(0), trace::expertKey(layer, expert),
                                         trace::TransferId(id), 1, 0.5F});
    };
    const auto resolve = [&](int layer, int expert, int id, trace::TimeNs at, bool used) {
        script.add(
            trace::PrefetchResolved{at, trace::TokenIndex(0), trace::expertKey(layer, expert), trace::TransferId(id), used});
    };
    guess(0, 1, 0);
    guess(1, 1, 1);
    guess(1, 2, 2);
    guess(1, 3, 3);
    script.now = 100'000;
    script.transfer(0, 0, 1, TransferCause::Prefetch, 60, 0, 400);
    resolve(0, 1, 0, 200'000, true); // long before it was asked for
    script.now = 300'000;
    resolve(1, 1, 1, 300'150, true); // asked for 150 ns after its first byte
    script.now = 300'000;
    script.transfer(0, 1, 1, TransferCause::Prefetch, 60, 1, 400);
    script.transfer(0, 1, 2, TransferCause::Prefetch, 25, 2, 100);
    resolve(1, 2, 2, 400'000, false);
    resolve(1, 3, 3, 400'000, false); // never began to move
    script.stage(Stage::Step, 0, 1, 0, 500'000);
    SnapshotBuilder builder(script.info());
    builder.add(script.take());
    const SnapshotPtr s = builder.snapshot();
    const PrefetchRecord& first = s->layerLives[0].prefetch;
    EXPECT_EQ(first.issued, 1);
    EXPECT_EQ(first.bytesUsed, 60);
    EXPECT_EQ(first.hiddenNs, 400);
    EXPECT_EQ(first.precision(), 1);
    const PrefetchRecord& second = s->layerLives[1].prefetch;
    EXPECT_EQ(second.issued, 3);
    EXPECT_EQ(second.used, 1);
    EXPECT_EQ(second.bytes, 85);
    EXPECT_EQ(second.bytesUsed, 60);
    EXPECT_EQ(second.bytesWasted, 25);
    EXPECT_EQ(second.hiddenNs, 150);
    EXPECT_NEAR(second.precision(), 1.0 / 3, 1e-12);
    EXPECT_EQ(s->summary.bytesPrefetchUsed, 120);
    EXPECT_EQ(s->summary.bytesPrefetchWasted, 25);
    EXPECT_NEAR(s->summary.prefetchHiddenMsPerToken, 550e-6, 1e-12);
}

TEST(SnapshotBuilder, TheFirstLayersRecallIsThatOfItsExtraGate) {
    ScriptedRun script(2, 4);
    trace::ExpertsChosen e;
    e.token = trace::TokenIndex(0);
    e.layer = trace::Layer(0);
    e.candidates = e.kept = 2;
    e.predictedDepths = 1 | trace::kForeseen;
    e.experts = 4;
    std::vector<std::byte> bytes(trace::routingPayloadBytes(e));
    trace::encodeRouting(e, std::array<std::uint16_t, 2>{0, 1}, std::array{0.6F, 0.4F}, std::array{0.6F, 0.4F, 0.0F, 0.0F},
                         std::array{0.0F, 0.1F, 0.2F, 0.7F, 0.1F, 0.5F, 0.4F, 0.0F}, bytes);
    script.addBytes(e, bytes);
    script.choose(0, 1, {2, 3}, {0.6F, 0.4F}, 2);
    SnapshotBuilder builder(script.info());
    builder.add(script.take());
    builder.refreshFigures(true);
    const SnapshotPtr s = builder.snapshot();
    EXPECT_NEAR(s->layerLives[0].recall(), 0.5, 1e-12) << "1 and 2 were foreseen, 0 and 1 chosen";
    EXPECT_NEAR(s->layerLives[1].recall(), 1, 1e-12);
    EXPECT_NEAR(s->summary.prefetchRecall, 1, 1e-12) << "that of the next layer's gate alone";
}

/// One decode step of two layers with two experts each.
Summary pooled(int slots, const std::string& cache, bool global = true) {
    ScriptedRun script(2, 4);
    auto info = script.info();
    info->settings.emplace_back("cache", cache);
    if (global)
        script.add(trace::SlotsAllocated{0, trace::Layer(), slots});
    else
        for (int layer = 0; layer < 2; ++layer)
            script.add(trace::SlotsAllocated{0, trace::Layer(layer), slots / 2});
    for (int layer = 0; layer < 2; ++layer)
        script.choose(0, layer, {0, 1}, {0.6F, 0.4F}, 2);
    SnapshotBuilder builder(info);
    builder.add(script.take());
    builder.refreshFigures(true);
    return builder.snapshot()->summary;
}

TEST(SnapshotBuilder, SaysWhenAPoolCannotHoldOneToken) {
    const Summary trap = pooled(3, "lru");
    EXPECT_TRUE(trap.poolCollapse);
    EXPECT_EQ(trap.poolSlots, 3);
    EXPECT_EQ(trap.expertsPerToken, 4);
    EXPECT_EQ(poolCollapseSentence(trap), "The global pool of 3 slots is smaller than one token's 4 experts: LRU evicts each "
                                          "expert just before it is used again.");
    EXPECT_FALSE(pooled(4, "lru").poolCollapse);
    EXPECT_EQ(poolCollapseSentence(pooled(4, "lru")), "");
    EXPECT_FALSE(pooled(3, "lfu").poolCollapse) << "other policies do not throw out what comes next";
    EXPECT_FALSE(pooled(2, "lru", false).poolCollapse);
    EXPECT_EQ(pooled(2, "lru", false).poolSlots, 0);
}

TEST(SnapshotBuilder, ShowsBytesThatNobodyAskedFor) {
    ScriptedRun script(1, 4);
    script.transfer(0, 0, 0, TransferCause::Demand, 10, 0);
    script.transfer(-1, 0, 1, TransferCause::Demand, 20, 1);
    script.transfer(0, 0, -1, TransferCause::Prefetch, 40, 2);
    script.transfer(-1, 0, 2, TransferCause::Allocation, 80, 3);
    SnapshotBuilder builder(script.info());
    builder.add(script.take());
    const Summary f = builder.snapshot()->summary;
    EXPECT_EQ(f.bytesDemand, 10);
    EXPECT_EQ(f.bytesPrefetch, 0);
    EXPECT_EQ(f.bytesAllocation, 80);
    EXPECT_EQ(f.bytesUnattributed, 60);
}

TEST(SnapshotBuilder, ATransferIsHiddenWhileComputeDoesNotWait) {
    ScriptedRun script(1, 4);
    const auto stall = [&](trace::TimeNs begin, trace::TimeNs end) {
        script.add(trace::StallSpan{begin, end, trace::TokenIndex(0), trace::expertKey(0, 1), trace::TransferId(0)});
    };
    const auto copy = [&](trace::TimeNs begin, trace::TimeNs end, TransferCause cause) {
        script.now = begin;
        script.transfer(0, 0, 1, cause, 10, 0, end - begin);
    };
    copy(0, 100, TransferCause::Demand);
    stall(40, 90);
    stall(150, 260);
    copy(100, 200, TransferCause::Prefetch);
    copy(200, 300, TransferCause::Demand);
    copy(1000, 1100, TransferCause::Demand);
    stall(2000, 9000);
    copy(2000, 9000, TransferCause::Allocation);
    SnapshotBuilder builder(script.info());
    builder.add(script.take());
    EXPECT_NEAR(builder.snapshot()->summary.overlapShare, 1 - (50 + 50 + 60) / 400.0, 1e-12);
}

TEST(SnapshotBuilder, FollowsSettingsAndTheLink) {
    ScriptedRun script(1, 4);
    using namespace std::string_view_literals;
    script.add(trace::SettingChanged{5, trace::TokenIndex(3)}, "link\0none\0pcie3x4"sv);
    script.add(trace::NoteMade{6, trace::TokenIndex(3)}, "a note");
    script.add(trace::RunFailed{7}, "a failure");
    script.add(trace::EventsLost{8, 12});
    SnapshotBuilder builder(script.info());
    builder.add(script.take());
    const SnapshotPtr s = builder.snapshot();
    ASSERT_EQ(s->changes.size(), 1U);
    EXPECT_EQ(s->changes[0].name, "link");
    EXPECT_EQ(s->changes[0].before, "none");
    EXPECT_EQ(s->changes[0].after, "pcie3x4");
    EXPECT_EQ(s->summary.link, "pcie3x4");
    EXPECT_TRUE(s->summary.emulated);
    EXPECT_EQ(s->settings[1].second, "pcie3x4");
    ASSERT_EQ(s->notes.size(), 2U);
    EXPECT_TRUE(s->notes[1].failure);
    EXPECT_EQ(s->summary.eventsLost, 12);
    ASSERT_EQ(s->gaps.size(), 1U);
    EXPECT_EQ(s->gaps[0].begin, 7) << "the last event that was kept";
    EXPECT_EQ(s->gaps[0].end, 8);
    EXPECT_EQ(s->gaps[0].events, 12);
}

TEST(SnapshotBuilder, SurvivesEventsThatMakeNoSense) {
    ScriptedRun script(2, 4);
    script.hit(0, 7, 1);
    script.miss(0, 1, 99);
    script.transfer(2'000'000'000, 3, 3, TransferCause::Demand, 5, 0);
    script.add(trace::TokenEmitted{1, trace::TurnIndex(0), trace::TokenIndex(2'000'000'000), 1, 0, 1}, "x");
    script.choose(2'000'000'000, 0, {0}, {1.0F}, 1);
    script.choose(0, 9, {0}, {1.0F}, 1);
    script.stage(Stage::Step, 5, 2'000'000'000, 0, 10);
    script.add(trace::ExpertsChosen{0, trace::TokenIndex(0), trace::Layer(0), Phase::Decode, 200, 3, 0, 4}, "short");
    script.add(trace::SlotsAllocated{0, trace::Layer(77), 5});
    SnapshotBuilder builder(script.info());
    builder.add(script.take());
    builder.refreshFigures(true);
    const SnapshotPtr s = builder.snapshot();
    EXPECT_EQ(s->tokens.size(), 0U);
    EXPECT_EQ(s->choices.size(), 0U);
    EXPECT_EQ(s->summary.expertChoices, 0);
    EXPECT_EQ(s->summary.bytesDemand, 5);
}

} // namespace
} // namespace moescope::analysis

#include "profiler/analysis/snapshot_builder.h"
#include "profiler/analysis/summary_fields.h"
#include "profiler/session/session_writer.h"
#include "tests/profiler/analysis/scripted_run.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <random>
#include <unistd.h>

namespace moescope::analysis {
namespace {

using namespace std::string_view_literals;
using trace::Phase;
using trace::Stage;
using trace::TransferCause;

constexpr int kLayers = 3;
constexpr int kExperts = 8;

/// One layer of a pass: a choice, its hits and misses, and what they cause.
void layerOf(test::ScriptedRun& run, std::mt19937& random, int token, int layer, int& transfer) {
    const auto first = static_cast<std::uint16_t>(random() % kExperts);
    const auto second = static_cast<std::uint16_t>((first + 1 + random() % (kExperts - 1)) % kExperts);
    std::vector<float> predicted(kExperts);
    for (float& p : predicted)
        p = static_cast<float>(random() % 100) / 800.0F;
    run.choose(token, layer, {first, second}, {0.7F, 0.2F}, 1 + static_cast<int>(random() % 2), Phase::Decode, predicted);
    run.hit(token, layer, first);
    run.miss(token, layer, second);
    run.add(trace::ExpertEvicted{run.now, trace::TokenIndex(token),
                                 trace::expertKey(layer, static_cast<int>(random() % kExperts)), trace::EvictionCause::Demand,
                                 trace::expertKey(layer, second)});
    run.transfer(token, layer, second, TransferCause::Demand, 1000 + layer, transfer);
    run.add(trace::StallSpan{run.now - 300, run.now, trace::TokenIndex(token), trace::expertKey(layer, second),
                             trace::TransferId(transfer++)});
    run.add(trace::PrefetchIssued{run.now, trace::TokenIndex(token), trace::expertKey(layer, first),
                                  trace::TransferId(transfer), 1, 0.25F});
    run.transfer(token, layer, first, TransferCause::Prefetch, 500, transfer);
    run.add(trace::PrefetchResolved{run.now, trace::TokenIndex(token), trace::expertKey(layer, first),
                                    trace::TransferId(transfer++), random() % 2 == 0});
    run.stage(Stage::Attention, token, 1, run.now - 900, run.now - 500, Phase::Decode, layer);
    run.stage(Stage::Experts, token, 1, run.now - 500, run.now, Phase::Decode, layer);
}

/// Every kind of event at least once, in batches of uneven size.
std::vector<session::Batch> longRun(test::ScriptedRun& run) {
    std::mt19937 random(3);
    std::vector<session::Batch> batches;
    int transfer = 0;
    int token = 0;
    for (int layer = 0; layer < kLayers; ++layer)
        run.add(trace::SlotsAllocated{run.now, trace::Layer(layer), 3});
    for (int turn = 0; turn < 3; ++turn) {
        run.add(trace::PromptBegan{run.now, trace::TurnIndex(turn), trace::TokenIndex(token), 1, 0, 512}, "What now?"sv);
        run.add(trace::TokenPrompted{run.now, trace::TurnIndex(turn), trace::TokenIndex(token), 5}, "What now?"sv);
        for (int step = 0; step < 40; ++step, ++token) {
            const trace::TimeNs began = run.now;
            for (int layer = 0; layer < kLayers; ++layer)
                layerOf(run, random, token, layer, transfer);
            run.stage(Stage::Sample, token, 1, run.now - 100, run.now);
            run.add(trace::TokenEmitted{run.now, trace::TurnIndex(turn), trace::TokenIndex(token + 1), step, -0.25F, step + 2},
                    "\xc3\xa4"sv);
            run.stage(Stage::Step, token, 1, began, run.now);
            if (random() % 3 == 0)
                batches.push_back(run.take());
        }
        ++token;
        run.add(trace::SettingChanged{run.now, trace::TokenIndex(token)}, "cache-experts\0009\0006"sv);
        run.add(trace::SlotsAllocated{run.now, trace::Layer(turn == 1 ? -1 : 0), 2});
        run.add(trace::HostSample{run.now, 123456 + turn, 90.5F, 700});
        run.add(trace::AnswerEnded{run.now, trace::TurnIndex(turn), trace::EndReason::TokenLimit, 40, 0});
    }
    run.add(trace::NoteMade{run.now, trace::TokenIndex(token)}, "noted"sv);
    run.add(trace::EventsLost{run.now, 7});
    run.add(trace::RunFailed{run.now}, "failed"sv);
    batches.push_back(run.take());
    return batches;
}

void expectSame(const Summary& a, const Summary& b) {
    std::vector<std::string> left;
    const auto written = [](const auto& value) {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>)
            return value;
        else
            return std::to_string(value);
    };
    forEachField(a, [&](const char* key, const auto& value, bool) { left.push_back(key + ("=" + written(value))); });
    std::vector<std::string> right;
    forEachField(b, [&](const char* key, const auto& value, bool) { right.push_back(key + ("=" + written(value))); });
    EXPECT_EQ(left, right);
}

void expectSame(const Track<TokenRecord>& a, const Track<TokenRecord>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        const auto parts = [](const TokenRecord& t) {
            return std::tuple(t.tokenId, t.turn, t.role, t.text, t.at, t.logProbability, t.pass, t.contextUsed);
        };
        EXPECT_EQ(parts(a[i]), parts(b[i])) << "token " << i;
    }
}

void expectSame(const Track<PassRecord>& a, const Track<PassRecord>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        const auto parts = [](const PassRecord& p) {
            return std::tuple(p.firstToken, p.tokens, p.phase, p.begin, p.end, p.stageNs, p.stallNs, p.otherNs, p.hits,
                              p.misses, p.evictions, p.bytesDemand, p.bytesPrefetch, p.meanKept);
        };
        EXPECT_EQ(parts(a[i]), parts(b[i])) << "pass " << i;
    }
}

void expectSame(const Track<ChoiceRecord>& a, const Track<ChoiceRecord>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        const auto parts = [](const ChoiceRecord& c) {
            return std::tuple(c.candidates, c.kept, c.phase, c.ids, c.weights, c.predictedHits, c.droppedShare, c.secondShare,
                              c.gateEntropy);
        };
        EXPECT_EQ(parts(a[i]), parts(b[i])) << "choice " << i;
    }
}

void expectSame(const std::vector<TurnRecord>& a, const std::vector<TurnRecord>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        const auto parts = [](const TurnRecord& t) {
            return std::tuple(t.turn, t.prompt, t.answer, t.firstToken, t.firstAnswerToken, t.promptTokens, t.answerTokens,
                              t.contextUsed, t.contextTokens, t.began, t.firstTokenAt, t.ended, t.reason, t.bytesMoved,
                              t.meanKept, t.decodeTokensPerSecond);
        };
        EXPECT_EQ(parts(a[i]), parts(b[i])) << "turn " << i;
    }
}

void expectSameLives(const Snapshot& a, const Snapshot& b) {
    ASSERT_EQ(a.expertLives.size(), b.expertLives.size());
    for (std::size_t i = 0; i < a.expertLives.size(); ++i) {
        const auto parts = [](const ExpertRecord& e) {
            return std::tuple(e.hits, e.misses, e.evictions, e.transfers, e.wasted, e.bytes, e.waitNs, e.lastUsed, e.lastWeight,
                              e.residentSince, e.lastCause);
        };
        EXPECT_EQ(parts(a.expertLives[i]), parts(b.expertLives[i])) << "expert " << i;
    }
    ASSERT_EQ(a.layerLives.size(), b.layerLives.size());
    for (std::size_t i = 0; i < a.layerLives.size(); ++i) {
        const auto parts = [](const LayerRecord& l) {
            return std::tuple(l.hits, l.misses, l.decisions, l.kept, l.single, l.predictedSlots, l.predictedHits,
                              l.optimumHitRate, l.slots, l.droppedSum, l.secondSum);
        };
        EXPECT_EQ(parts(a.layerLives[i]), parts(b.layerLives[i])) << "layer " << i;
    }
}

void expectSame(const Snapshot& a, const Snapshot& b) {
    EXPECT_EQ(std::tuple(a.seq, a.now, a.sessionEnd, a.layers, a.experts, a.slotsTotal, a.settings),
              std::tuple(b.seq, b.now, b.sessionEnd, b.layers, b.experts, b.slotsTotal, b.settings));
    EXPECT_EQ(a.residency.state, b.residency.state);
    EXPECT_EQ(a.residency.seq, b.residency.seq);
    expectSame(a.tokens, b.tokens);
    expectSame(a.passes, b.passes);
    expectSame(a.choices, b.choices);
    expectSame(a.turns, b.turns);
    expectSameLives(a, b);
    expectSame(a.summary, b.summary);
    ASSERT_EQ(a.changes.size(), b.changes.size());
    for (std::size_t i = 0; i < a.changes.size(); ++i)
        EXPECT_EQ(std::tuple(a.changes[i].at, a.changes[i].token, a.changes[i].name, a.changes[i].before, a.changes[i].after),
                  std::tuple(b.changes[i].at, b.changes[i].token, b.changes[i].name, b.changes[i].before, b.changes[i].after));
    ASSERT_EQ(a.notes.size(), b.notes.size());
    for (std::size_t i = 0; i < a.notes.size(); ++i)
        EXPECT_EQ(std::tuple(a.notes[i].at, a.notes[i].text, a.notes[i].failure),
                  std::tuple(b.notes[i].at, b.notes[i].text, b.notes[i].failure));
}

class ReplayEqualsLive : public ::testing::Test {
protected:
    ReplayEqualsLive() {
        session::SessionWriter writer(path, *run.info());
        for (const session::Batch& batch : batches) {
            live.add(batch);
            live.refreshFigures(false);
            live.snapshot();
            writer.write(batch);
        }
        writer.finish(run.now, 7);
        live.refreshFigures(true);
    }
    ~ReplayEqualsLive() override { std::filesystem::remove(path); }

    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("replay_equals_live_" + std::to_string(getpid()) + ".moescope");
    test::ScriptedRun run{kLayers, kExperts};
    std::vector<session::Batch> batches = longRun(run);
    SnapshotBuilder live{run.info()};
};

TEST_F(ReplayEqualsLive, FieldByField) {
    session::SessionReader reader(path);
    SnapshotBuilder replay(std::make_shared<const session::SessionInfo>(reader.info()));
    while (const auto batch = reader.next())
        replay.add(*batch);
    replay.refreshFigures(true);
    expectSame(*live.snapshot(), *replay.snapshot());
    EXPECT_GT(live.snapshot()->summary.events, 2000);
    EXPECT_GT(live.snapshot()->summary.optimumHitRate, 0);
}

TEST_F(ReplayEqualsLive, WhateverTheCursorDidInBetween) {
    session::SessionReader reader(path);
    SnapshotBuilder replay(std::make_shared<const session::SessionInfo>(reader.info()));
    const std::int64_t last = reader.lastSeq();
    for (std::int64_t seq = 1; seq <= last; seq += 37) {
        replay.add(reader.read(seq, std::min(last, seq + 36)));
        replay.snapshot();
    }
    replay.refreshFigures(true);
    SnapshotPtr a = live.snapshot();
    SnapshotPtr b = replay.snapshot();
    expectSame(a->tokens, b->tokens);
    expectSame(a->choices, b->choices);
    expectSameLives(*a, *b);
    expectSame(a->summary, b->summary);
}

} // namespace
} // namespace moescope::analysis

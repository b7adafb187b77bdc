#include "engine/runtime/engine.h"

#include "engine/policy/allocation_policy.h"
#include "engine/policy/cache_policy.h"
#include "tests/engine/runtime/run_capture.h"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>
#include <numeric>
#include <stdexcept>
#include <thread>

namespace moescope::runtime {
namespace {

using tests::WatchedEngine;
using trace::EndReason;

EngineOptions bundled(const std::vector<std::pair<std::string, std::string>>& settings = {}, int threads = 1) {
    return {.model = tests::bundledModel(), .threads = threads, .settings = tests::settingsOf(settings), .calibration = {}};
}

const std::string kQuestion = "Tell me a story about a brave dog and a red ball.";

TEST(EngineTurnTest, SaysEverythingThatHappensInOrder) {
    WatchedEngine watched(bundled({{"cache-experts", "16"}}));
    const Answer answer = watched.engine.answer(tests::chatRequest({{ChatMessage::Role::User, kQuestion}}, 30));
    EXPECT_EQ(answer.tokens, 30);
    EXPECT_EQ(answer.reason, EndReason::TokenLimit);
    const auto begun = watched.capture.all<trace::PromptBegan>();
    ASSERT_EQ(begun.size(), 1U);
    EXPECT_EQ(begun[0].text(), kQuestion);
    EXPECT_EQ(begun[0].event.contextTokens, 512);
    EXPECT_EQ(begun[0].event.reusedTokens, 0);
    const auto prompted = watched.capture.all<trace::TokenPrompted>();
    const auto emitted = watched.capture.all<trace::TokenEmitted>();
    ASSERT_EQ(static_cast<int>(prompted.size()), begun[0].event.promptTokens);
    std::string text;
    std::int32_t index = 0;
    for (const auto& token : prompted)
        EXPECT_EQ(token.event.token.value, index++);
    for (const auto& token : emitted) {
        EXPECT_EQ(token.event.token.value, index++);
        EXPECT_EQ(token.event.contextUsed, token.event.token.value + 1);
        EXPECT_LE(token.event.logProbability, 0.0F);
        text += token.text();
    }
    EXPECT_EQ(text, answer.text);
    EXPECT_FALSE(text.starts_with(' '));
    const auto ended = watched.capture.all<trace::AnswerEnded>();
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].event.tokens, 30);
    EXPECT_EQ(ended[0].event.promptBeganAt, begun[0].event.at);
}

TEST(EngineTurnTest, EveryTokenReadIsRoutedAtEveryLayerWithPredictions) {
    WatchedEngine watched(bundled({{"cache-experts", "16"}, {"prefetch", "next-layer"}, {"prefetch-depth", "2"}}));
    watched.engine.answer(tests::chatRequest({{ChatMessage::Role::User, kQuestion}}, 12));
    const auto prompted = watched.capture.all<trace::TokenPrompted>().size();
    const auto choices = watched.capture.all<trace::ExpertsChosen>();
    // The last emitted token is never read.
    ASSERT_EQ(choices.size(), (prompted + 11) * 8);
    for (const auto& choice : choices) {
        const int ahead = 7 - choice.event.layer.value;
        EXPECT_EQ(trace::depthsOf(choice.event), std::min(2, ahead));
        // The first layer has no layer before it, but the token before.
        EXPECT_EQ(trace::hasForeseen(choice.event),
                  choice.event.layer.value == 0 && choice.event.phase == trace::Phase::Decode);
        EXPECT_EQ(choice.event.phase == trace::Phase::Prefill, choice.event.token.value < static_cast<int>(prompted));
        const auto routing = trace::decodeRouting(choice.event, choice.payload);
        ASSERT_TRUE(routing);
        EXPECT_NEAR(std::accumulate(routing->gate.begin(), routing->gate.end(), 0.0), 1.0, 2e-3);
        EXPECT_GE(routing->gate[routing->ids[0]], routing->gate[routing->ids[1]]);
        EXPECT_NEAR(routing->weights[0] + routing->weights[1], 1.0, 2e-3);
        EXPECT_EQ(routing->foreseen.size(), trace::hasForeseen(choice.event) ? 8U : 0U);
        if (!routing->foreseen.empty()) {
            EXPECT_NEAR(std::accumulate(routing->foreseen.begin(), routing->foreseen.end(), 0.0), 1.0, 2e-3);
        }
        for (const auto& prediction : routing->predicted)
            EXPECT_NEAR(std::accumulate(prediction.begin(), prediction.end(), 0.0), 1.0, 2e-3);
    }
    const auto counts = watched.engine.takeGateCounts();
    EXPECT_EQ(counts.decisions, static_cast<std::int64_t>(choices.size()));
    EXPECT_EQ(counts.kept, 2 * counts.decisions);
    EXPECT_EQ(watched.engine.takeGateCounts().decisions, 0);
}

TEST(EngineTurnTest, StagesLieInsideTheirStepAndFollowEachOther) {
    WatchedEngine watched(bundled());
    watched.engine.answer(tests::chatRequest({{ChatMessage::Role::User, kQuestion}}, 5));
    const auto spans = watched.capture.all<trace::StageSpan>();
    trace::TimeNs last = 0;
    std::size_t first = 0;
    int steps = 0;
    for (std::size_t i = 0; i < spans.size(); ++i) {
        const trace::StageSpan& span = spans[i].event;
        EXPECT_LE(span.begin, span.end);
        if (span.stage != trace::Stage::Step) {
            EXPECT_GE(span.begin, last);
            last = span.end;
            continue;
        }
        ++steps;
        EXPECT_EQ(i - first, 3U * 8 + 2); // attention, router, experts per layer; output; sample
        EXPECT_LE(span.begin, spans[first].event.begin);
        EXPECT_GE(span.end, last);
        first = i + 1;
    }
    EXPECT_EQ(steps, 5);
    EXPECT_EQ(spans.front().event.phase, trace::Phase::Prefill);
    EXPECT_EQ(spans.back().event.phase, trace::Phase::Decode);
    EXPECT_EQ(spans.back().event.tokens, 1);
}

TEST(EngineTurnTest, HitsAndMissesCoverEveryExpertAskedFor) {
    for (const char* budget : {"0", "16"}) {
        WatchedEngine watched(bundled({{"cache-experts", budget}}));
        watched.engine.answer(tests::chatRequest({{ChatMessage::Role::User, kQuestion}}, 10));
        std::size_t decodeChoices = 0;
        const auto prompted = static_cast<int>(watched.capture.all<trace::TokenPrompted>().size());
        for (const auto& choice : watched.capture.all<trace::ExpertsChosen>())
            decodeChoices += choice.event.phase == trace::Phase::Decode ? choice.event.kept : 0U;
        const auto inDecode = [&](const auto& events) {
            return std::count_if(events.begin(), events.end(), [&](const auto& e) { return e.event.token.value >= prompted; });
        };
        const auto misses = watched.capture.all<trace::ExpertMissed>();
        EXPECT_EQ(static_cast<std::size_t>(inDecode(watched.capture.all<trace::ExpertHit>()) + inDecode(misses)),
                  decodeChoices);
        EXPECT_EQ(misses.empty(), std::string(budget) == "0");
    }
}

TEST(EngineStartTest, WithABudgetForAllEveryExpertIsBroughtInOnceBeforeTheFirstToken) {
    WatchedEngine watched(bundled());
    const auto transfers = watched.capture.all<trace::TransferSpan>();
    EXPECT_EQ(transfers.size(), 64U);
    for (const auto& transfer : transfers) {
        EXPECT_EQ(transfer.event.cause, trace::TransferCause::Allocation);
        EXPECT_EQ(transfer.event.bytes, watched.engine.facts().expertBytes);
    }
}

TEST(EngineStartTest, AMissingModelAndAMissingCalibrationAreOneSentence) {
    trace::NullTracer nobody;
    const trace::SteadyClock clock;
    EXPECT_THROW(Engine({.model = "/nowhere/model.gguf", .settings = {}, .calibration = {}}, nobody, clock),
                 std::runtime_error);
    EXPECT_THROW(
        Engine({.model = tests::bundledModel(), .settings = {}, .calibration = "/nowhere/calibration.json"}, nobody, clock),
        std::runtime_error);
}

TEST(EngineChatTest, SecondTurnReusesWhatWasReadAndAnswersAsIfItHadNot) {
    WatchedEngine watched(bundled());
    std::vector<ChatMessage> talk{{ChatMessage::Role::User, kQuestion}};
    const Answer first = watched.engine.answer(tests::chatRequest(talk, 25));
    talk.push_back({ChatMessage::Role::Assistant, first.text});
    talk.push_back({ChatMessage::Role::User, "Tell me another one."});
    watched.capture.clear();
    const Answer second = watched.engine.answer(tests::chatRequest(talk, 25));
    const auto begun = watched.capture.all<trace::PromptBegan>();
    ASSERT_EQ(begun.size(), 1U);
    EXPECT_EQ(begun[0].event.turn.value, 1);
    EXPECT_GT(begun[0].event.reusedTokens, 20);
    // Indices go on where the first turn ended, also for tokens that are read again.
    EXPECT_EQ(watched.capture.all<trace::TokenPrompted>().front().event.token, begun[0].event.firstToken);
    WatchedEngine fresh(bundled());
    EXPECT_EQ(fresh.engine.answer(tests::chatRequest(talk, 25)).text, second.text);
    EXPECT_EQ(fresh.emittedIds(), watched.emittedIds());
}

TEST(EngineChatTest, TheSameQuestionAgainReadsOnlyItsLastToken) {
    WatchedEngine watched(bundled());
    const auto request = tests::chatRequest({{ChatMessage::Role::User, kQuestion}}, 5);
    const Answer first = watched.engine.answer(request);
    watched.capture.clear();
    EXPECT_EQ(watched.engine.answer(request).text, first.text);
    EXPECT_EQ(watched.capture.all<trace::PromptBegan>()[0].event.promptTokens, 1);
    watched.engine.forgetContext();
    watched.capture.clear();
    EXPECT_EQ(watched.engine.answer(request).text, first.text);
    EXPECT_EQ(watched.capture.all<trace::PromptBegan>()[0].event.reusedTokens, 0);
}

TEST(EngineEndTest, AStopStringThatSpansTokensIsCutOutAndNeverShown) {
    WatchedEngine watched(bundled());
    const auto plain = tests::chatRequest({{ChatMessage::Role::User, kQuestion}}, 40);
    const Answer whole = watched.engine.answer(plain);
    const std::size_t middle = whole.text.find(' ', 30);
    ASSERT_NE(middle, std::string::npos);
    auto request = plain;
    request.stop = {"never", whole.text.substr(middle - 3, 9)};
    const std::size_t expected = whole.text.find(request.stop[1]);
    watched.capture.clear();
    const Answer stopped = watched.engine.answer(request);
    EXPECT_EQ(stopped.reason, EndReason::StopString);
    EXPECT_EQ(stopped.text, whole.text.substr(0, expected));
    std::string shown;
    for (const auto& token : watched.capture.all<trace::TokenEmitted>())
        shown += token.text();
    EXPECT_EQ(shown, stopped.text);
}

TEST(EngineEndTest, TextHeldBackForAStopStringComesWithTheLastToken) {
    WatchedEngine watched(bundled());
    auto request = tests::chatRequest({{ChatMessage::Role::User, kQuestion}}, 12);
    const Answer plain = watched.engine.answer(request);
    request.stop = {plain.text.substr(plain.text.size() - 4) + "\x01"};
    watched.capture.clear();
    EXPECT_EQ(watched.engine.answer(request).text, plain.text);
    std::string shown;
    for (const auto& token : watched.capture.all<trace::TokenEmitted>())
        shown += token.text();
    EXPECT_EQ(shown, plain.text);
}

TEST(EngineEndTest, ZeroTokensReadsThePromptOnly) {
    WatchedEngine watched(bundled());
    const Answer answer = watched.engine.answer(tests::chatRequest({{ChatMessage::Role::User, kQuestion}}, 0));
    EXPECT_EQ(answer.reason, EndReason::TokenLimit);
    EXPECT_EQ(answer.tokens, 0);
    EXPECT_GT(watched.capture.all<trace::TokenPrompted>().size(), 5U);
}

TEST(EngineEndTest, AFullContextEndsTheAnswerWithASentence) {
    WatchedEngine watched(bundled());
    std::string longText;
    while (watched.engine.tokenize(longText + "The dog ran and ran. ", true).size() < 500)
        longText += "The dog ran and ran. ";
    auto request = tests::rawRequest(longText, 1000, 1.2F);
    request.stop = {};
    const Answer answer = watched.engine.answer(request);
    EXPECT_EQ(answer.reason, EndReason::ContextFull);
    const auto prompted = static_cast<int>(watched.capture.all<trace::TokenPrompted>().size());
    EXPECT_EQ(prompted + answer.tokens, 513); // the last token was emitted and has no place to be read
    EXPECT_NE(answer.problem.find("512"), std::string::npos);
    const auto notes = watched.capture.all<trace::NoteMade>();
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_NE(notes[0].text().find("512"), std::string::npos);
}

TEST(EngineEndTest, APromptLongerThanTheContextIsRefusedAndTheNextOneWorks) {
    WatchedEngine watched(bundled());
    std::string longText;
    for (int i = 0; i < 600; ++i)
        longText += "word ";
    const Answer refused = watched.engine.answer(tests::rawRequest(longText, 10));
    EXPECT_EQ(refused.reason, EndReason::ContextFull);
    EXPECT_EQ(refused.tokens, 0);
    EXPECT_NE(refused.problem.find("tokens"), std::string::npos);
    EXPECT_EQ(watched.capture.all<trace::AnswerEnded>().size(), 1U);
    EXPECT_EQ(watched.engine.answer(tests::rawRequest("Once", 3)).tokens, 3);
}

/// Fails once when armed, wherever the engine happens to look at the time: a stand-in for whatever may go wrong in a pass.
class FailingClock final : public trace::Clock {
public:
    trace::TimeNs now() const override {
        if (m_left >= 0 && m_left-- == 0)
            throw std::runtime_error("The clock fell off the wall.");
        return m_clock.now();
    }
    void failAfter(int calls) { m_left = calls; }

private:
    trace::SteadyClock m_clock;
    mutable int m_left = -1;
};

TEST(EngineEndTest, AFailureIsRecordedReportedAndSurvived) {
    tests::RunCapture capture;
    FailingClock clock;
    // Everything is resident, so that only the engine's thread asks for the time.
    Engine engine(bundled(), capture, clock);
    const auto request = tests::chatRequest({{ChatMessage::Role::User, kQuestion}}, 10);
    const Answer whole = engine.answer(request);
    for (const int calls : {40, 150, 333}) {
        capture.clear();
        clock.failAfter(calls);
        const Answer failed = engine.answer(request);
        EXPECT_EQ(failed.reason, EndReason::Failed);
        EXPECT_EQ(failed.problem, "The clock fell off the wall.");
        ASSERT_EQ(capture.all<trace::RunFailed>().size(), 1U);
        EXPECT_EQ(capture.all<trace::RunFailed>()[0].text(), failed.problem);
        EXPECT_EQ(capture.all<trace::AnswerEnded>().back().event.reason, EndReason::Failed);
        EXPECT_TRUE(whole.text.starts_with(failed.text));
        EXPECT_EQ(engine.answer(request).text, whole.text);
    }
}

TEST(EngineControlTest, StopEndsARunningAnswerAndTheNextOneRuns) {
    WatchedEngine watched(bundled());
    std::atomic<bool> done = false;
    std::thread stopper([&] {
        while (!done) {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            watched.engine.stop();
        }
    });
    auto request = tests::rawRequest("Once upon a time", 100000, 1.0F);
    const Answer answer = watched.engine.answer(request);
    done = true;
    stopper.join();
    EXPECT_TRUE(answer.reason == EndReason::Requested || answer.reason == EndReason::EndOfText);
    EXPECT_EQ(watched.engine.answer(tests::rawRequest("Once", 3)).tokens, 3);
}

TEST(EngineControlTest, PauseHoldsTheAnswerBetweenTokens) {
    WatchedEngine watched(bundled());
    watched.engine.setPaused(true);
    std::atomic<bool> done = false;
    std::thread resumer([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        EXPECT_FALSE(done);
        watched.engine.setPaused(false);
    });
    EXPECT_EQ(watched.engine.answer(tests::rawRequest("Once", 5)).tokens, 5);
    done = true;
    resumer.join();
}

TEST(EngineControlTest, SettingsTakeEffectBetweenTokensAndAreRecorded) {
    WatchedEngine watched(bundled({{"cache-experts", "64"}}));
    watched.engine.post("cache-experts", "9");
    watched.engine.post("cache", "lfu");
    watched.engine.post("cache", "lfu");
    watched.engine.post("link", "pcie5x16");
    EXPECT_EQ(watched.engine.settings().cacheExperts, 9);
    const Answer answer = watched.engine.answer(tests::chatRequest({{ChatMessage::Role::User, kQuestion}}, 20));
    EXPECT_EQ(answer.tokens, 20);
    const auto changes = watched.capture.all<trace::SettingChanged>();
    ASSERT_EQ(changes.size(), 3U);
    EXPECT_EQ(changes[0].text(), std::string("cache-experts\0"
                                             "64\0"
                                             "9",
                                             18));
    EXPECT_EQ(changes[1].text(), std::string("cache\0lru\0lfu", 13));
    EXPECT_EQ(changes[0].event.token, watched.capture.all<trace::TokenPrompted>().front().event.token);
    std::size_t shrunk = 0;
    for (const auto& eviction : watched.capture.all<trace::ExpertEvicted>())
        shrunk += eviction.event.cause == trace::EvictionCause::Budget ? 1 : 0;
    EXPECT_EQ(shrunk, 55U);
    for (const auto& transfer : watched.capture.all<trace::TransferSpan>())
        EXPECT_EQ(transfer.event.emulated, transfer.event.cause == trace::TransferCause::Demand);
    WatchedEngine untouched(bundled());
    EXPECT_EQ(untouched.engine.answer(tests::chatRequest({{ChatMessage::Role::User, kQuestion}}, 20)).text, answer.text);
}

TEST(EngineControlTest, ChangesWhileItRunsKeepTheTokens) {
    WatchedEngine watched(bundled({}, 2));
    std::atomic<bool> done = false;
    std::thread turner([&] {
        const char* budgets[] = {"8", "0", "17", "40", "1", "64"};
        const auto allocations = policy::allocationPolicyNames();
        const auto caches = policy::cachePolicyNames();
        for (int i = 0; !done; ++i) {
            watched.engine.post("cache-experts", budgets[i % 6]);
            watched.engine.post("allocation", allocations[static_cast<std::size_t>(i) % allocations.size()]);
            watched.engine.post("prefetch", i % 3 ? "next-layer" : "none");
            watched.engine.post("prefetch-budget-mb", i % 2 ? "auto" : "2");
            watched.engine.post("prefetch-watch", i % 4 ? "on" : "off");
            watched.engine.post("cache", caches[static_cast<std::size_t>(i) % caches.size()]);
            std::this_thread::sleep_for(std::chrono::milliseconds(3));
        }
    });
    const Answer answer = watched.engine.answer(tests::chatRequest({{ChatMessage::Role::User, kQuestion}}, 80));
    done = true;
    turner.join();
    EXPECT_EQ(answer.problem, "");
    WatchedEngine untouched(bundled());
    EXPECT_EQ(untouched.engine.answer(tests::chatRequest({{ChatMessage::Role::User, kQuestion}}, 80)).text, answer.text);
}

TEST(EngineControlTest, TheAllocationChangesToEveryPolicyWhileItRuns) {
    // Each change comes from the token before it, as a command would.
    for (const std::string& cache : policy::cachePolicyNames()) {
        WatchedEngine watched(bundled({{"cache-experts", "24"}, {"cache", cache}, {"prefetch", "next-layer"}}));
        for (const std::string& allocation : policy::allocationPolicyNames()) {
            watched.engine.post("allocation", allocation);
            watched.capture.clear();
            EXPECT_EQ(watched.engine.answer(tests::rawRequest("Once upon a time", 6)).tokens, 6);
            int slots = 0;
            for (const auto& allocated : watched.capture.all<trace::SlotsAllocated>())
                slots += allocated.event.slots;
            EXPECT_EQ(slots, allocation == "uniform" ? 0 : 24) << cache << " " << allocation << ": the begin was uniform";
        }
    }
}

TEST(EngineControlTest, RefusesValuesThatThisModelCannotHave) {
    WatchedEngine watched(bundled());
    const Settings before = watched.engine.settings();
    EXPECT_THROW(watched.engine.post("cache-experts", "-1"), std::invalid_argument);
    EXPECT_THROW(watched.engine.post("gate", "best"), std::invalid_argument);
    EXPECT_THROW(watched.engine.post("colour", "red"), std::invalid_argument);
    EXPECT_EQ(watched.engine.settings(), before);
}

TEST(EngineTextTest, TokenizesAndBack) {
    WatchedEngine watched(bundled());
    const auto tokens = watched.engine.tokenize("A small fox, über alles.", true);
    EXPECT_EQ(tokens.front(), 1);
    EXPECT_EQ(watched.engine.detokenize(std::span(tokens).subspan(1)), " A small fox, über alles.");
    EXPECT_EQ(watched.engine.detokenize(std::vector<std::int32_t>{-5, 1 << 20}), "");
}

TEST(EngineScoreTest, BothModesGiveTheSameLogitsAndMayEndEarly) {
    WatchedEngine watched(bundled({{"cache-experts", "12"}}, 2));
    const auto tokens =
        watched.engine.tokenize("The little girl went to the park with her mother and saw a big red bird.", true);
    std::vector<std::vector<float>> decoded;
    watched.engine.score(tokens, Engine::ScoreMode::Decode, [&](int position, std::span<const float> logits) {
        EXPECT_EQ(position, static_cast<int>(decoded.size()));
        decoded.emplace_back(logits.begin(), logits.end());
        return true;
    });
    ASSERT_EQ(decoded.size(), tokens.size());
    int seen = 0;
    watched.engine.score(tokens, Engine::ScoreMode::Prefill, [&](int position, std::span<const float> logits) {
        EXPECT_TRUE(std::equal(logits.begin(), logits.end(), decoded[static_cast<std::size_t>(position)].begin()));
        return ++seen < 7;
    });
    EXPECT_EQ(seen, 7);
    EXPECT_THROW(watched.engine.score(std::vector<std::int32_t>{1, 4096}, Engine::ScoreMode::Prefill, {}),
                 std::invalid_argument);
    EXPECT_THROW(watched.engine.score(std::vector<std::int32_t>(513, 5), Engine::ScoreMode::Prefill, {}),
                 std::invalid_argument);
}

} // namespace
} // namespace moescope::runtime

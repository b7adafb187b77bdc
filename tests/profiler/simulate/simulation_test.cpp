#include "profiler/analysis/snapshot_builder.h"
#include "profiler/session/session_reader.h"
#include "tests/profiler/simulate/made_recording.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace moescope::simulate {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class SimulationTest : public testing::Test {
protected:
    SimulationTest() : m_folder(fs::temp_directory_path() / ("moescope-simulate-" + std::to_string(getpid()))) {
        fs::remove_all(m_folder);
        fs::create_directories(m_folder);
    }
    ~SimulationTest() override { fs::remove_all(m_folder); }
    static fs::path sample(const std::string& name) {
        return fs::path(MOESCOPE_SOURCE_DIR) / "sample_sessions" / (name + ".moescope");
    }
    static session::SessionInfo facts() {
        session::SessionInfo info;
        info.id = "00112233445566778899aabbccddeeff";
        info.programVersion = "9";
        return info;
    }
    std::size_t filesIn() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(m_folder), {})); }

    fs::path m_folder;
};

std::vector<EventLog::Entry> read(const fs::path& file) {
    EventLog log;
    session::SessionReader reader(file);
    while (const auto batch = reader.next())
        for (const auto& record : batch->records)
            log.emit(record.event, batch->payload(record));
    return log.entries;
}

/// Everything that an event says, as the bytes of its rows say it: times, keys, payload.
std::string words(const EventLog::Entry& entry) {
    std::string text = std::to_string(entry.event.index());
    const auto add = [&text](auto value) { text += ' ' + std::to_string(value); };
    std::visit(
        [&](const auto& e) {
            add(trace::timeOf(entry.event));
            if constexpr (requires { e.begin; })
                add(e.begin);
            if constexpr (requires { e.queuedAt; })
                add(e.queuedAt);
            if constexpr (requires { e.token; })
                add(e.token.value);
            if constexpr (requires { e.key; })
                add(e.key.layer.value * 100000 + e.key.expert.value);
            if constexpr (requires { e.layer; })
                add(e.layer.value);
            if constexpr (requires { e.transfer; })
                add(e.transfer.value);
            if constexpr (requires { e.bytes; })
                add(e.bytes);
            if constexpr (requires { e.kept; })
                add(e.kept);
        },
        entry.event);
    for (const std::byte byte : entry.payload)
        add(static_cast<int>(byte));
    return text;
}

std::vector<std::string> words(const std::vector<EventLog::Entry>& entries) {
    std::vector<std::string> all;
    for (const auto& entry : entries)
        all.push_back(words(entry));
    return all;
}

TEST_F(SimulationTest, TheSameScenarioGivesTheSameEvents) {
    for (const char* name : {"adaptive-gating", "prefetch"}) {
        const Scenario changed =
            scenario({{"cache-experts", "24"}, {"prefetch", "next-layer"}, {"gate", "adapmoe"}, {"gate-threshold", "0.02"}});
        const Simulator first(readRecording(sample(name)));
        const Simulator second(readRecording(sample(name)));
        first.write(changed, m_folder / "a.moescope", facts());
        second.write(changed, m_folder / "b.moescope", facts());
        EXPECT_EQ(words(read(m_folder / "a.moescope")), words(read(m_folder / "b.moescope")));
        fs::remove(m_folder / "a.moescope");
        fs::remove(m_folder / "b.moescope");
    }
}

TEST_F(SimulationTest, WritesASoundSessionThatSaysWhatItIs) {
    const Simulator simulator(readRecording(sample("thrashing")));
    const Scenario changed =
        scenario({{"cache-experts", "32"}, {"cache", "belady"}, {"gate", "adapmoe"}, {"gate-threshold", "1"}});
    simulator.write(changed, m_folder / "a.moescope", facts());
    EXPECT_EQ(filesIn(), 1U);
    session::SessionReader reader(m_folder / "a.moescope");
    EXPECT_THAT(reader.verify(), testing::IsEmpty());
    const session::SessionInfo& info = reader.info();
    EXPECT_EQ(info.origin, session::Origin::Simulated);
    EXPECT_EQ(info.id, facts().id);
    EXPECT_EQ(info.programVersion, "9");
    EXPECT_TRUE(info.finished());
    EXPECT_THAT(info.title, HasSubstr("simulated"));
    EXPECT_THAT(info.settings, testing::Contains(std::pair<std::string, std::string>("cache", "belady")));
    EXPECT_THAT(info.settings, testing::Contains(std::pair<std::string, std::string>("cache-experts", "32")));
    const auto events = read(m_folder / "a.moescope");
    ASSERT_TRUE(std::holds_alternative<trace::NoteMade>(events.front().event));
    const auto& note = events.front().payload;
    const std::string said(reinterpret_cast<const char*>(note.data()), note.size());
    EXPECT_THAT(said, HasSubstr("estimate"));
    EXPECT_THAT(said, HasSubstr("approximate"));
    for (const auto& entry : events)
        if (const auto* span = std::get_if<trace::TransferSpan>(&entry.event)) {
            ASSERT_TRUE(span->emulated);
        }
}

TEST_F(SimulationTest, ItsFiguresAreThoseOfTheReport) {
    for (const char* name : {"thrashing", "prefetch", "adaptive-gating", "everything-resident", "global-pool-collapse"}) {
        SCOPED_TRACE(name);
        const Simulator simulator(readRecording(sample(name)));
        const Figures figures =
            simulator.write(scenario({{"cache-experts", "20"}, {"link", "pcie3x16"}}), m_folder / "a.moescope", facts());
        session::SessionReader reader(m_folder / "a.moescope");
        analysis::SnapshotBuilder builder(std::make_shared<const session::SessionInfo>(reader.info()));
        while (const auto batch = reader.next())
            builder.add(*batch);
        builder.refreshFigures(true);
        const analysis::Summary summary = builder.snapshot()->summary;
        EXPECT_EQ(figures.tokens, summary.tokens);
        EXPECT_EQ(figures.hits, summary.hits);
        EXPECT_EQ(figures.misses, summary.misses);
        EXPECT_EQ(figures.evictions, summary.evictions);
        EXPECT_EQ(figures.kept, summary.expertExecutions);
        EXPECT_EQ(figures.bytesDemand, summary.bytesDemand);
        EXPECT_EQ(figures.bytesPrefetch, summary.bytesPrefetch);
        EXPECT_EQ(figures.bytesAllocation, summary.bytesAllocation);
        EXPECT_EQ(figures.prefetchIssued, summary.prefetchIssued);
        EXPECT_EQ(figures.prefetchUsed, summary.prefetchUsed);
        EXPECT_NEAR(figures.optimumHitRate(), summary.optimumHitRate, 1e-12);
        EXPECT_NEAR(figures.stallMsPerToken(), summary.stallMsPerToken, 1e-9);
        EXPECT_NEAR(figures.mbPerToken(), summary.mbPerToken, 1e-9);
        EXPECT_NEAR(figures.tokensPerSecond(), summary.decodeTokensPerSecond, 1e-6);
        fs::remove(m_folder / "a.moescope");
    }
}

TEST_F(SimulationTest, ACancelledOrRefusedOneLeavesNoFile) {
    const Simulator simulator(readRecording(sample("thrashing")));
    int calls = 0;
    EXPECT_THROW(simulator.write({}, m_folder / "a.moescope", facts(), [&](double) { return ++calls < 3; }), Cancelled);
    EXPECT_EQ(calls, 3);
    EXPECT_THROW(
        simulator.write(scenario({{"prefetch", "next-layer"}, {"prefetch-depth", "3"}}), m_folder / "a.moescope", facts()),
        std::runtime_error);
    EXPECT_EQ(filesIn(), 0U);
    simulator.write({}, m_folder / "a.moescope", facts());
    EXPECT_THROW(simulator.write({}, m_folder / "a.moescope", facts()), std::runtime_error);
    EXPECT_EQ(filesIn(), 1U) << "the file that was there stays, and nothing beside it";
}

TEST_F(SimulationTest, TellsTheStoryOfTheRecording) {
    const auto story = [](const std::vector<EventLog::Entry>& entries) {
        std::vector<std::string> told;
        for (const auto& [event, payload] : entries) {
            const std::string text(reinterpret_cast<const char*>(payload.data()), payload.size());
            if (const auto* prompt = std::get_if<trace::PromptBegan>(&event))
                told.push_back("prompt " + std::to_string(prompt->promptTokens) + text);
            else if (const auto* token = std::get_if<trace::TokenEmitted>(&event))
                told.push_back("token " + std::to_string(token->token.value) + text);
            else if (const auto* chosen = std::get_if<trace::ExpertsChosen>(&event))
                told.push_back("chosen " + std::to_string(chosen->token.value) + ' ' + std::to_string(chosen->layer.value) +
                               text);
            else if (const auto* ended = std::get_if<trace::AnswerEnded>(&event))
                told.push_back("ended " + std::to_string(ended->tokens));
        }
        return told;
    };
    EventLog log;
    Simulator(readRecording(sample("prefetch"))).trace(scenario({{"cache-experts", "16"}}), log);
    EXPECT_EQ(story(log.entries), story(read(sample("prefetch"))));
}

TEST_F(SimulationTest, SpansNestAndTimeNeverRunsBack) {
    EventLog log;
    Simulator(readRecording(sample("prefetch"))).trace(scenario({{"link", "pcie3x4"}}), log);
    trace::TimeNs stepEnd = 0;
    trace::TimeNs linkFree = 0;
    std::vector<trace::StageSpan> stages;
    for (const auto& entry : log.entries) {
        if (const auto* span = std::get_if<trace::TransferSpan>(&entry.event)) {
            ASSERT_LE(span->queuedAt, span->begin);
            ASSERT_LT(span->begin, span->end);
            if (span->outcome == trace::TransferOutcome::Completed && span->cause == trace::TransferCause::Demand) {
                ASSERT_GE(span->begin, linkFree) << "two demand copies at a time";
                linkFree = span->end;
            }
        }
        const auto* stage = std::get_if<trace::StageSpan>(&entry.event);
        if (!stage)
            continue;
        if (stage->stage != trace::Stage::Step) {
            if (!stages.empty() && stage->stage == trace::Stage::Output) {
                ASSERT_GE(stage->begin, stages.back().end); // asking for the next token's first layer takes time before it
            } else if (!stages.empty()) {
                ASSERT_EQ(stage->begin, stages.back().end);
            }
            stages.push_back(*stage);
            continue;
        }
        ASSERT_GE(stage->begin, stepEnd);
        ASSERT_EQ(stage->begin, stages.front().begin);
        ASSERT_GE(stage->end, stages.back().end);
        stepEnd = stage->end;
        stages.clear();
    }
}

TEST(SimulatedGate, AThresholdOfZeroDropsNothingAndAHigherOneNeverRunsMore) {
    const fs::path file = fs::path(MOESCOPE_SOURCE_DIR) / "sample_sessions" / "thrashing.moescope";
    const Simulator simulator(readRecording(file));
    const Figures& recorded = simulator.recording().figures;
    const Figures none = simulator.estimate(scenario({{"gate", "adapmoe"}, {"gate-threshold", "1e-12"}}));
    EXPECT_EQ(none.kept, recorded.kept);
    EXPECT_EQ(none.hits, recorded.hits) << "the choice made anew from the recorded softmax is not the recorded one";
    EXPECT_EQ(none.evictions, recorded.evictions);
    std::int64_t before = none.kept;
    for (const char* threshold : {"0.001", "0.01", "0.05", "1000"}) {
        const Figures figures = simulator.estimate(scenario({{"gate", "adapmoe"}, {"gate-threshold", threshold}}));
        EXPECT_EQ(figures.decisions, recorded.decisions);
        EXPECT_LE(figures.kept, before);
        before = figures.kept;
    }
    EXPECT_EQ(before, recorded.decisions) << "an endless budget leaves one expert";
}

TEST(SimulatedGate, PlainTopKUndoesTheRecordedDrops) {
    const fs::path file = fs::path(MOESCOPE_SOURCE_DIR) / "sample_sessions" / "adaptive-gating.moescope";
    const Simulator simulator(readRecording(file));
    const Figures figures = simulator.estimate(scenario({{"gate", "topk"}}));
    EXPECT_LT(simulator.recording().figures.kept, 2 * figures.decisions);
    EXPECT_EQ(figures.kept, 2 * figures.decisions);
}

TEST(SimulatedGate, IsApproximateOnlyWhereSomethingMayBeDroppedOtherwise) {
    const auto asRecorded = [](const char* session, std::initializer_list<std::pair<const char*, std::string>> changes) {
        return gateAsRecorded(readRecording(fs::path(MOESCOPE_SOURCE_DIR) / "sample_sessions" / session), scenario(changes));
    };
    EXPECT_TRUE(asRecorded("thrashing.moescope", {{"gate", "topk"}, {"gate-threshold", "0.5"}}));
    EXPECT_TRUE(asRecorded("thrashing.moescope", {{"gate", "adapmoe"}, {"gate-threshold", "0"}}));
    EXPECT_TRUE(asRecorded("thrashing.moescope", {{"cache", "lfu"}}));
    EXPECT_FALSE(asRecorded("thrashing.moescope", {{"gate", "adapmoe"}, {"gate-threshold", "0.5"}}));
    EXPECT_FALSE(asRecorded("thrashing.moescope", {{"gate", "score"}, {"gate-layers", "3:0.5"}}));
    EXPECT_FALSE(asRecorded("adaptive-gating.moescope", {{"gate", "topk"}}));
    EXPECT_FALSE(asRecorded("adaptive-gating.moescope", {{"gate-threshold", "0"}}));
    EXPECT_TRUE(asRecorded("adaptive-gating.moescope", {{"cache-experts", "16"}}));
}

TEST(SimulatedSettings, AGivenSettingHoldsAgainstTheRecordedChange) {
    const MadeModel model{.layers = 2, .experts = 8, .topK = 2};
    const Choices choices = randomChoices(model, 60, 3);
    const auto recording = [&](const char* changed) {
        RecordingMaker maker(model, madeInfo(model));
        maker.prompt(1);
        for (std::size_t token = 0; token < choices.size(); ++token) {
            if (token == 30)
                maker.change("cache-experts", changed);
            maker.pass({choices[token]});
        }
        return Simulator(maker.finish());
    };
    const Figures small = recording("4").estimate({});
    const Figures large = recording("12").estimate({});
    EXPECT_LT(small.hits, large.hits);
    const Scenario fixed = scenario({{"cache-experts", "8"}});
    EXPECT_EQ(recording("4").estimate(fixed).hits, recording("12").estimate(fixed).hits);
}

/// Tokens that need other experts at the first layer each time, which the extra gate foresees.
Recording foreseen(bool known) {
    const MadeModel model{.layers = 2, .experts = 8, .topK = 2, .expertBytes = 100'000};
    session::SessionInfo info = madeInfo(model);
    info.settings.emplace_back("prefetch-first-layer", "on");
    RecordingMaker maker(model, std::move(info));
    maker.prompt(1);
    for (int token = 0; token < 40; ++token) {
        const std::vector<int> first{token % 8, (token + 1) % 8};
        maker.pass({{first, {0, 1}}}, true, known ? first : std::vector<int>());
    }
    return maker.finish();
}

TEST(FirstLayer, IsFetchedAheadFromWhatTheSessionForesaw) {
    const Scenario on = scenario({{"prefetch", "next-layer"}, {"cache-experts", "8"}, {"link", "pcie3x16"}});
    Scenario off = on;
    off.set("prefetch-first-layer", "off");
    const Figures with = Simulator(foreseen(true)).estimate(on);
    const Figures without = Simulator(foreseen(true)).estimate(off);
    EXPECT_GT(with.hitRate(), without.hitRate() + 0.2);
    EXPECT_GT(with.prefetchIssued, 30);
    EXPECT_EQ(with.prefetchUsed, with.prefetchIssued) << "every guess was right";
    EXPECT_EQ(Simulator(foreseen(false)).estimate(on).prefetchIssued, without.prefetchIssued);
    EXPECT_EQ(with.hits + with.misses, without.hits + without.misses);
}

TEST(MeasuredBudget, LetsNothingMoveAheadOnASaturatedLink) {
    const MadeModel model{.layers = 4, .experts = 8, .topK = 2, .expertBytes = 1'000'000};
    const Choices choices = randomChoices(model, 200, 3);
    const auto issued = [&](const char* link) {
        return Simulator(decoded(model, choices))
            .estimate(
                scenario({{"prefetch", "next-layer"}, {"prefetch-budget-mb", "auto"}, {"cache-experts", "16"}, {"link", link}}))
            .prefetchIssued;
    };
    // A stage takes 10 us: at 1000 GB/s a copy is 1 us, at 4 GB/s it is 250 us.
    EXPECT_GT(issued("1000"), 200);
    EXPECT_LT(issued("4"), 20);
}

TEST(Watch, RestsGuessesInASimulationToo) {
    const MadeModel model{.layers = 4, .experts = 8, .topK = 2, .expertBytes = 1'000'000};
    // Nothing is ever used twice in a row, and the slots are few: a guess at a saturated link only stands in the way.
    session::SessionInfo info = madeInfo(model);
    info.settings.emplace_back("prefetch-watch", "on");
    const Recording recording = decoded(model, randomChoices(model, 400, 9), info);
    const auto run = [&](const char* watch) {
        EventLog log;
        Simulator(recording).trace(scenario({{"prefetch", "next-layer"},
                                             {"prefetch-budget-mb", "8"},
                                             {"cache-experts", "4"},
                                             {"link", "4"},
                                             {"prefetch-watch", watch}}),
                                   log);
        return std::count_if(log.entries.begin(), log.entries.end(),
                             [](const auto& entry) { return std::holds_alternative<trace::PrefetchIssued>(entry.event); });
    };
    EXPECT_LE(run("on"), run("off"));
}

TEST(TargetThreshold, IsFoundOnTheSessionsOwnDecisions) {
    const MadeModel model{.layers = 3, .experts = 8, .topK = 2, .expertBytes = 1000};
    const Simulator simulator(decoded(model, randomChoices(model, 300, 5)));
    // Every second weight is a third.
    const auto found = simulator.thresholdForMeanK(scenario({{"gate", "score"}}), 1.5);
    EXPECT_NEAR(found.threshold, 1.0 / 3, 1e-3);
    EXPECT_EQ(found.meanExperts, 1);
    EXPECT_EQ(found.singleShare, 1);
    Scenario random = scenario({{"gate", "random"}});
    const auto half = simulator.thresholdForMeanK(random, 1.5);
    EXPECT_NEAR(half.threshold, 0.5, 0.05);
    random.set("gate-threshold", std::to_string(half.threshold));
    EXPECT_NEAR(simulator.estimate(random).meanExperts(), 1.5, 0.02);
    EXPECT_THROW(simulator.thresholdForMeanK({}, 1.5), std::invalid_argument) << "top-k drops nothing";
}

} // namespace
} // namespace moescope::simulate

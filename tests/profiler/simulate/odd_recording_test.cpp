// What comes from outside: refused with one sentence, or simulated; never a crash.
#include "profiler/session/session_reader.h"
#include "tests/profiler/simulate/made_recording.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace moescope::simulate {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const MadeModel kModel{.layers = 2, .experts = 8, .topK = 2};

std::string refusalOf(const session::SessionInfo& info) {
    try {
        decoded(kModel, randomChoices(kModel, 3, 1), info);
    } catch (const std::runtime_error& refusal) {
        return refusal.what();
    }
    return {};
}

void expectSentence(const std::string& text) {
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(text.back(), '.') << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
}

TEST(OddRecording, WhatLacksTheFactsIsRefusedWithItsName) {
    EXPECT_EQ(refusalOf(madeInfo(kModel)), "");
    session::SessionInfo info = madeInfo(kModel);
    info.origin = session::Origin::Imported;
    EXPECT_THAT(refusalOf(info), HasSubstr("imported"));
    EXPECT_THAT(refusalOf(info), testing::StartsWith("made.moescope: "));
    expectSentence(refusalOf(info));
    info = madeInfo(kModel);
    info.eventsLost = 12;
    EXPECT_THAT(refusalOf(info), HasSubstr("12 of its events were lost"));
    info = madeInfo(kModel);
    info.continues = "x";
    EXPECT_THAT(refusalOf(info), HasSubstr("continues another"));
    info = madeInfo(kModel);
    info.model.expertBytes = 0;
    EXPECT_THAT(refusalOf(info), HasSubstr("how large an expert is"));
    info.model.layers = 0;
    EXPECT_THAT(refusalOf(info), HasSubstr("how many layers"));
}

TEST(OddRecording, ACalibrationOfAnotherModelIsRefusedWithItsName) {
    session::SessionInfo info = madeInfo(kModel);
    info.calibration = R"({"format":"moescope-calibration","version":1,"sensitivity":{"refined":[1,1,1]}})";
    const auto refusal = [](const session::SessionInfo& facts) -> std::string {
        try {
            const Simulator simulator(decoded(kModel, randomChoices(kModel, 3, 1), facts));
            simulator.estimate({});
        } catch (const std::runtime_error& problem) {
            return problem.what();
        }
        return {};
    };
    EXPECT_THAT(refusal(info), HasSubstr("in the session cannot be used: it holds 3 layers and the model has 2"));
    info.calibration = "{";
    EXPECT_THAT(refusal(info), HasSubstr("not valid JSON"));
}

TEST(Simulation, TheSessionsOwnCalibrationServesEveryGateAndAllocation) {
    session::SessionInfo info = madeInfo({.layers = 2, .experts = 3, .topK = 2});
    info.calibration = R"({"format":"moescope-calibration","version":1,"sensitivity":{"refined":[1,1],"paper":[9,9],
        "pair":[[[0,1,1],[1,0,1],[1,1,0]],[[0,1,1],[1,0,1],[1,1,0]]]},"hit_curves":{"lru":[[0,0.2,0.5,1],[0,0.6,0.9,1]]}})";
    const MadeModel model{.layers = 2, .experts = 3, .topK = 2};
    const Simulator simulator(decoded(model, randomChoices(model, 20, 1), info));
    const auto executions = [&](std::string_view gate, std::string_view threshold, std::string_view allocation) {
        Scenario scenario;
        scenario.set("gate", gate);
        scenario.set("gate-threshold", threshold);
        scenario.set("allocation", allocation);
        scenario.set("cache-experts", "3");
        return simulator.estimate(scenario).kept;
    };
    const auto all = executions("topk", "0", "uniform");
    for (const char* gate : {"adapmoe", "adapmoe-pair", "adapmoe-paper", "adapmoe-residency"}) {
        const char* allocation = std::string_view(gate) == "adapmoe" ? "curves" : "adapmoe-dp";
        EXPECT_LT(executions(gate, "1", allocation), all) << gate;
        EXPECT_EQ(executions(gate, "0", "curves"), all) << gate;
    }
    // The dropped third, squared, is 0.11: under 0.2 / 1 and above 0.2 / 9.
    EXPECT_LT(executions("adapmoe-pair", "0.2", "uniform"), all);
    EXPECT_EQ(executions("adapmoe-paper", "0.2", "uniform"), all);
}

TEST(OddRecording, LostEventsAreFoundAlsoWithinIt) {
    RecordingMaker maker(kModel, madeInfo(kModel));
    EXPECT_THROW(maker.builder().add(trace::EventsLost{.at = 1, .count = 2}, {}), std::runtime_error);
}

TEST(OddRecording, OneWithoutDecisionsIsRefused) {
    RecordingMaker maker(kModel, madeInfo(kModel));
    maker.prompt(1);
    EXPECT_THROW(maker.finish(), std::runtime_error);
}

TEST(OddRecording, ASettingThatThisProgramDoesNotKnowIsNamed) {
    session::SessionInfo info = madeInfo(kModel);
    info.settings[1].second = "psychic";
    const Simulator simulator(decoded(kModel, randomChoices(kModel, 3, 1), info));
    try {
        simulator.estimate({});
        FAIL();
    } catch (const std::runtime_error& refusal) {
        EXPECT_THAT(refusal.what(), HasSubstr("psychic"));
        expectSentence(refusal.what());
    }
    EXPECT_EQ(simulator.estimate(scenario({{"cache", "lfu"}})).decisions, 6) << "another value makes it possible";
}

TEST(OddRecording, AScenarioWithoutItsFactsIsRefused) {
    session::SessionInfo info = madeInfo(kModel);
    info.sensitivity.clear();
    const MadeModel deep{.layers = 4, .experts = 8, .topK = 2};
    const Simulator simulator(decoded(kModel, randomChoices(kModel, 3, 1), info));
    EXPECT_THROW(simulator.estimate(scenario({{"gate", "adapmoe"}, {"gate-threshold", "1"}})), std::invalid_argument);
    EXPECT_THROW(simulator.estimate(scenario({{"link", "none"}, {"cache-experts", "4"}})), std::runtime_error);
    EXPECT_THROW(Simulator(decoded(deep, randomChoices(deep, 3, 1)))
                     .estimate(scenario({{"prefetch", "next-layer"}, {"prefetch-depth", "2"}})),
                 std::runtime_error);
    EXPECT_THROW(scenario({{"cache", "psychic"}}), std::invalid_argument);
    EXPECT_THROW(scenario({{"cache-exports", "1"}}), std::invalid_argument);
}

TEST(OddRecording, APassThatWasCutOffIsSimulatedAsFarAsItGoes) {
    RecordingMaker maker(kModel, madeInfo(kModel));
    maker.prompt(1);
    for (const auto& token : randomChoices(kModel, 5, 1))
        maker.pass({token});
    const trace::TokenIndex last(5);
    maker.builder().add(
        trace::StageSpan{
            .begin = 900'000, .end = 910'000, .token = last, .layer = trace::Layer(0), .stage = trace::Stage::Attention},
        {});
    const Figures figures = Simulator(maker.finish()).estimate(scenario({{"cache-experts", "4"}}));
    EXPECT_EQ(figures.decodeTokens, 5);
    EXPECT_EQ(figures.decisions, 10);
}

/// Events of a sample with some of them changed, gone, twice or elsewhere.
std::vector<EventLog::Entry> spoil(std::vector<EventLog::Entry> entries, std::mt19937& random) {
    const auto any = [&] { return random() % entries.size(); };
    const auto time = [&]() -> trace::TimeNs {
        const trace::TimeNs far[] = {0, -5, 1, trace::TimeNs{1} << 60, -(trace::TimeNs{1} << 60), 1'000'000'000};
        return far[random() % std::size(far)];
    };
    const auto changes = 1 + random() % 6;
    for (auto i = changes; i > 0; --i) {
        EventLog::Entry& one = entries[any()];
        switch (random() % 6) {
        case 0:
            entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(any()));
            break;
        case 1:
            entries.insert(entries.begin() + static_cast<std::ptrdiff_t>(any()), entries[any()]);
            break;
        case 2:
            std::swap(entries[any()], entries[any()]);
            break;
        case 3:
            if (!one.payload.empty())
                one.payload[random() % one.payload.size()] = static_cast<std::byte>(random());
            break;
        case 4:
            std::visit(
                [&](auto& e) {
                    if constexpr (requires { e.at; })
                        e.at = time();
                    if constexpr (requires { e.end; })
                        e.end = std::max(e.begin, time());
                },
                one.event);
            break;
        default:
            std::visit(
                [&](auto& e) {
                    if constexpr (requires { e.layer; })
                        e.layer = trace::Layer(static_cast<int>(random() % 9) - 1);
                    if constexpr (requires { e.token; })
                        e.token = trace::TokenIndex(static_cast<int>(random() % 40) - 1);
                    if constexpr (requires { e.key; })
                        e.key = trace::expertKey(static_cast<int>(random() % 9) - 1, static_cast<int>(random() % 9) - 1);
                    if constexpr (requires { e.kept; })
                        e.kept = static_cast<std::uint8_t>(random() % 4);
                    if constexpr (requires { e.slots; })
                        e.slots = static_cast<int>(random() % 100) - 10;
                },
                one.event);
        }
    }
    return entries;
}

Scenario anyScenario(std::mt19937& random) {
    Scenario made;
    const auto maybe = [&](const char* name, std::initializer_list<const char*> values) {
        if (random() % 2 == 0)
            made.set(name, *(values.begin() + random() % values.size()));
    };
    maybe("cache", {"lru", "lfu", "belady"});
    maybe("cache-experts", {"1", "9", "30", "0"});
    maybe("allocation", {"uniform", "global"});
    maybe("prefetch", {"none", "next-layer"});
    maybe("gate", {"topk", "adapmoe"});
    maybe("gate-threshold", {"0", "0.01"});
    maybe("link", {"none", "pcie3x4", "0.0001"});
    return made;
}

/// True when it was simulated; a refusal must be a sentence.
bool simulated(const std::function<Recording()>& recording, const Scenario& scenario) {
    try {
        Simulator(recording()).estimate(scenario);
        return true;
    } catch (const std::invalid_argument& refusal) {
        expectSentence(refusal.what());
    } catch (const std::runtime_error& refusal) {
        expectSentence(refusal.what());
    }
    return false;
}

TEST(OddRecording, SpoiltEventsNeverCrashIt) {
    session::SessionReader reader(fs::path(MOESCOPE_SOURCE_DIR) / "sample_sessions" / "prefetch.moescope");
    EventLog log;
    while (const auto batch = reader.next()) {
        for (const auto& record : batch->records)
            log.emit(record.event, batch->payload(record));
        if (log.entries.size() > 1500)
            break;
    }
    std::mt19937 random(1);
    int went = 0;
    for (int round = 0; round < 300; ++round) {
        SCOPED_TRACE(round);
        const auto entries = spoil(log.entries, random);
        const Scenario here = anyScenario(random);
        went += simulated(
            [&] {
                RecordingBuilder builder(reader.info(), "odd.moescope");
                for (const auto& [event, payload] : entries)
                    builder.add(event, payload);
                return builder.finish();
            },
            here);
    }
    EXPECT_GT(went, 30) << "nearly all were refused: the test reaches little";
    EXPECT_LT(went, 300) << "nothing was refused: the test spoils too little";
}

TEST(OddRecording, SpoiltFilesNeverCrashIt) {
    std::ifstream in(fs::path(MOESCOPE_SOURCE_DIR) / "sample_sessions" / "thrashing.moescope", std::ios::binary);
    const std::string sound{std::istreambuf_iterator<char>(in), {}};
    const fs::path file = fs::temp_directory_path() / ("odd-" + std::to_string(getpid()) + ".moescope");
    std::mt19937 random(2);
    int refused = 0;
    for (int round = 0; round < 40; ++round) {
        SCOPED_TRACE(round);
        std::string bytes = sound;
        for (unsigned i = 0; i < 1 + random() % 40; ++i)
            bytes[random() % bytes.size()] = static_cast<char>(random());
        if (round % 8 == 0)
            bytes.resize(random() % bytes.size());
        std::ofstream(file, std::ios::binary) << bytes;
        refused += simulated([&] { return readRecording(file); }, {}) ? 0 : 1;
    }
    fs::remove(file);
    EXPECT_GT(refused, 5);
}

} // namespace
} // namespace moescope::simulate

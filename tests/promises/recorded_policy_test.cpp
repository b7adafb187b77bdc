// Promise 2: simulating what was recorded gives exactly the recorded hits, misses and evictions, event for event, with the
// settings that changed on the way. Holds for demand caching; with prefetch the arrival times decide, and it is an estimate.
#include "profiler/session/session_reader.h"
#include "profiler/simulate/simulate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

namespace {

using namespace moescope;
namespace fs = std::filesystem;

/// What happened to the cache, with everything that the event says but its time.
struct Step {
    char kind; ///< h hit, m miss, e eviction, a allocation, s setting
    trace::TokenIndex token;
    trace::ExpertKey key;
    trace::ExpertKey other; ///< who took the slot
    int detail = 0;         ///< cause, in flight, slots
    friend bool operator==(const Step&, const Step&) = default;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
    return out << step.kind << ' ' << step.key.layer.value << '/' << step.key.expert.value << " token " << step.token.value
               << " for " << step.other.layer.value << '/' << step.other.expert.value << " detail " << step.detail;
}

class StepLog final : public trace::Tracer {
public:
    void emit(const trace::Event& event, trace::Payload) noexcept override {
        if (const auto* hit = std::get_if<trace::ExpertHit>(&event))
            steps.push_back({'h', hit->token, hit->key, {}});
        else if (const auto* miss = std::get_if<trace::ExpertMissed>(&event))
            steps.push_back({'m', miss->token, miss->key, {}, miss->inFlight ? 1 : 0});
        else if (const auto* evicted = std::get_if<trace::ExpertEvicted>(&event))
            steps.push_back({'e', evicted->token, evicted->key, evicted->replacedBy, static_cast<int>(evicted->cause)});
        else if (const auto* slots = std::get_if<trace::SlotsAllocated>(&event))
            steps.push_back({'a', {}, {slots->layer, {}}, {}, slots->slots});
        else if (const auto* changed = std::get_if<trace::SettingChanged>(&event))
            steps.push_back({'s', changed->token, {}, {}});
        prefetches |= std::holds_alternative<trace::PrefetchIssued>(event);
        bytes += std::holds_alternative<trace::TransferSpan>(event) ? std::get<trace::TransferSpan>(event).bytes : 0;
    }
    std::vector<Step> steps;
    bool prefetches = false;
    std::int64_t bytes = 0;
};

StepLog recorded(const fs::path& file) {
    session::SessionReader reader(file);
    StepLog log;
    while (const auto batch = reader.next())
        for (const auto& record : batch->records)
            log.emit(record.event, batch->payload(record));
    return log;
}

std::vector<fs::path> samples() {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(fs::path(MOESCOPE_SOURCE_DIR) / "sample_sessions"))
        if (entry.path().extension() == ".moescope")
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

TEST(RecordedPolicy, GivesTheRecordedHitsMissesAndEvictionsAgain) {
    int compared = 0;
    int changes = 0;
    for (const fs::path& file : samples()) {
        const StepLog before = recorded(file);
        if (before.prefetches)
            continue;
        SCOPED_TRACE(file.filename());
        StepLog again;
        simulate::Simulator(simulate::readRecording(file)).trace({}, again);
        ASSERT_EQ(before.steps.size(), again.steps.size());
        for (std::size_t index = 0; index < before.steps.size(); ++index)
            ASSERT_EQ(before.steps[index], again.steps[index]) << "step " << index;
        EXPECT_EQ(before.bytes, again.bytes);
        EXPECT_GT(before.steps.size(), 1000U);
        changes += static_cast<int>(
            std::count_if(before.steps.begin(), before.steps.end(), [](const Step& step) { return step.kind == 's'; }));
        ++compared;
    }
    EXPECT_GE(compared, 3);
    EXPECT_GE(changes, 2) << "no sample changes a setting on the way";
}

/// Hits, misses and evictions; what was allocated and set is the scenario's.
std::vector<Step> accesses(const StepLog& log) {
    std::vector<Step> steps;
    std::copy_if(log.steps.begin(), log.steps.end(), std::back_inserter(steps),
                 [](const Step& step) { return step.kind != 'a' && step.kind != 's'; });
    return steps;
}

TEST(RecordedPolicy, OtherSettingsGiveWhatWasRecordedUnderThem) {
    // Two samples hold the same conversation, one with every expert resident, one thrashing in a small pool. Lossless settings
    // change no token, so each must foretell the other as far as the shorter one goes.
    const fs::path folder = fs::path(MOESCOPE_SOURCE_DIR) / "sample_sessions";
    const std::vector<Step> recordedSteps = accesses(recorded(folder / "global-pool-collapse.moescope"));
    simulate::Scenario small;
    small.set("allocation", "global");
    small.set("cache-experts", "12");
    small.set("link", "pcie4x16");
    StepLog foretold;
    simulate::Simulator(simulate::readRecording(folder / "everything-resident.moescope")).trace(small, foretold);
    std::vector<Step> foretoldSteps = accesses(foretold);
    ASSERT_GT(recordedSteps.size(), 3000U);
    ASSERT_GE(foretoldSteps.size(), recordedSteps.size());
    foretoldSteps.resize(recordedSteps.size());
    for (std::size_t index = 0; index < recordedSteps.size(); ++index)
        ASSERT_EQ(foretoldSteps[index], recordedSteps[index]) << "step " << index;
}

TEST(RecordedPolicy, WithPrefetchComesCloseInHitsAndTime) {
    int compared = 0;
    for (const fs::path& file : samples()) {
        if (!recorded(file).prefetches)
            continue;
        SCOPED_TRACE(file.filename());
        const simulate::Simulator simulator(simulate::readRecording(file));
        const simulate::Figures& was = simulator.recording().figures;
        const simulate::Figures is = simulator.estimate({});
        EXPECT_NEAR(is.hitRate(), was.hitRate(), 0.01);
        EXPECT_NEAR(is.msPerToken() / was.msPerToken(), 1, 0.1);
        RecordProperty("hit_rate_recorded", std::to_string(was.hitRate()));
        RecordProperty("hit_rate_simulated", std::to_string(is.hitRate()));
        ++compared;
    }
    EXPECT_GE(compared, 1);
}

/// Kind, time and size of every event.
class EventLog final : public trace::Tracer {
public:
    void emit(const trace::Event& event, trace::Payload payload) noexcept override {
        std::visit(
            [&](const auto& e) {
                kinds.push_back(event.index());
                times.push_back(trace::timeOf(event));
                sizes.push_back(sizeof(e) + payload.size());
            },
            event);
    }
    std::vector<std::size_t> kinds, sizes;
    std::vector<trace::TimeNs> times;
};

TEST(RecordedPolicy, ASimulationGivesTheSameEveryTime) {
    for (const fs::path& file : samples()) {
        SCOPED_TRACE(file.filename());
        const simulate::Simulator simulator(simulate::readRecording(file));
        for (const char* cache : {"weighted", "belady"}) {
            simulate::Scenario scenario;
            scenario.set("cache", cache);
            scenario.set("cache-experts", "24");
            scenario.set("link", "pcie3x4");
            EventLog first;
            EventLog second;
            simulator.trace(scenario, first);
            simulate::Simulator(simulate::readRecording(file)).trace(scenario, second);
            EXPECT_EQ(first.kinds, second.kinds);
            EXPECT_EQ(first.times, second.times);
            EXPECT_EQ(first.sizes, second.sizes);
        }
    }
}

TEST(RecordedPolicy, NoEvictionBeatsTheBound) {
    int compared = 0;
    for (const fs::path& file : samples()) {
        const simulate::Simulator simulator(simulate::readRecording(file));
        for (const char* slots : {"8", "24", "48"}) {
            const auto hits = [&](const char* cache) {
                simulate::Scenario scenario;
                for (const auto& [setting, value] :
                     {std::pair{"cache", cache}, std::pair{"cache-experts", slots}, std::pair{"prefetch", "none"},
                      std::pair{"link", "pcie3x16"}, std::pair{"gate", "topk"}})
                    scenario.set(setting, value);
                const simulate::Figures figures = simulator.estimate(scenario);
                EXPECT_LE(figures.hits, figures.optimumHits) << file.filename() << ' ' << cache << ' ' << slots;
                return figures.hits;
            };
            const std::int64_t bound = hits("belady");
            for (const char* cache : {"lru", "lfu", "lcu", "weighted"})
                EXPECT_LE(hits(cache), bound) << file.filename() << ' ' << cache << ' ' << slots;
            ++compared;
        }
    }
    EXPECT_GE(compared, 15);
}

} // namespace
